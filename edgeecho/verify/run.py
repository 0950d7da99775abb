"""A bundle's artefacts on this machine's engines, against the references that it carries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeecho.bench.environment import read_environment
from edgeecho.bundle import DEMO, open_model, read_manifest
from edgeecho.bundle.manifest import Artefact
from edgeecho.engines import ENGINES, load_engine
from edgeecho.errors import EngineError, ModelError
from edgeecho.verify.drift import BATCHES, measure_drift, miss
from edgeecho.verify.limits import LIMITS, Limits
from edgeecho.verify.references import read_references
from edgeecho.verify.report import Row, VerifyReport


def verify_bundle(
    bundle: Path | None = None,
    *,
    engine: str | None = None,
    precision: str | None = None,
    limits: Mapping[str, Limits] | None = None,
    threads: int = 0,
) -> VerifyReport:
    """Run every artefact (or that of `precision`) on every installed engine (or on `engine`).

    An artefact is held to the limits that export held it to, or to `limits`. Missing one is no
    error here but a row of the report, so that all of it can be sent back. An artefact that
    cannot be used is a `ModelError`, an engine that cannot run an `EngineError`.
    """
    folder = bundle or DEMO
    manifest = read_manifest(folder)
    references = read_references(folder, manifest.references)
    wanted = [precision] if precision else list(manifest.artefacts)
    names = [engine] if engine else [entry.name for entry in ENGINES if entry.available]
    if not names:
        raise EngineError(f"no engine is installed: {ENGINES[0].install}")
    rows = []
    for kind in wanted:
        model = open_model(folder, precision=kind)
        held = (limits or {}).get(kind) or recorded_limits(manifest.artefacts[kind])
        clips = references.clips.normalised(model.preprocess)
        for name in names:
            loaded = load_engine(name, model, threads=threads)
            drift = measure_drift(loaded, clips, references.expected, references.clips.efs)
            rows.append(Row(model, loaded.facts, drift, held, miss(drift, held)))
    return VerifyReport(
        name=manifest.name,
        version=manifest.version,
        clips=len(references.expected),
        batches=BATCHES,
        environment=read_environment(),
        rows=tuple(rows),
    )


def limits_of(bundle: Path | None = None) -> dict[str, Limits]:
    """By precision, what export held each artefact of the bundle to."""
    artefacts = read_manifest(bundle or DEMO).artefacts
    return {precision: recorded_limits(artefact) for precision, artefact in artefacts.items()}


def recorded_limits(artefact: Artefact) -> Limits:
    """What export held the artefact to, or the table's where it did not say."""
    for check in artefact.verification:
        if check.allowed:
            return Limits.from_dict(check.allowed)
    if artefact.precision not in LIMITS:
        raise ModelError(f"{artefact.file} is {artefact.precision}, for which no limits are known")
    return LIMITS[artefact.precision]
