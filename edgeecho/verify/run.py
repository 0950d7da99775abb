"""A bundle's artefacts on this machine's engines, against the references that it carries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeecho.bench.environment import read_environment
from edgeecho.bundle import DEMO, open_model, read_manifest
from edgeecho.bundle.manifest import Artefact
from edgeecho.engines import ENGINES, load_engine
from edgeecho.errors import EngineError, ModelError
from edgeecho.verify.drift import measure_drift, miss
from edgeecho.verify.limits import LIMITS, Limits
from edgeecho.verify.references import References, read_references
from edgeecho.verify.report import NotRun, Row, VerifyReport


def verify_bundle(
    bundle: Path | None = None,
    *,
    engine: str | None = None,
    precision: str | None = None,
    limits: Mapping[str, Limits] | None = None,
    references: References | None = None,
    threads: int = 0,
) -> VerifyReport:
    """Run every artefact (or that of `precision`) on every installed engine (or on `engine`).

    The clips are those that the bundle carries, or `references`.

    An installed engine that cannot run an artefact on this machine, such as one for a GPU that
    is not there, is reported with the reason; if it is `engine`, it is an error. An artefact is
    held to the limits that export held it to, or to `limits`. Missing one is no error here but a
    row of the report, so that all of it can be sent back. An artefact that cannot be used is a
    `ModelError`, an engine that cannot run an `EngineError`.
    """
    folder = bundle or DEMO
    manifest = read_manifest(folder)
    if references is None:
        references = read_references(folder, manifest.references)
    wanted = [precision] if precision else list(manifest.artefacts)
    installed = [entry for entry in ENGINES if entry.available]
    if not installed:
        raise EngineError(f"no engine is installed: {ENGINES[0].install}")
    rows: list[Row] = []
    not_run: list[NotRun] = []
    for kind in wanted:
        model = open_model(folder, precision=kind)
        held = (limits or {}).get(kind) or recorded_limits(manifest.artefacts[kind])
        held_out = references.held_out(kind, model.preprocess)
        obstacles = {} if engine else {e.name: e.obstacle(model) for e in installed}
        not_run += [
            # Reports are sent back: they carry no path.
            NotRun(model, name, why.replace(str(folder), folder.name))
            for name, why in obstacles.items()
            if why
        ]
        for name in [engine] if engine else [e for e, why in obstacles.items() if not why]:
            loaded = load_engine(name, model, threads=threads)
            drift = measure_drift(loaded, held_out, references.batches)
            n = len(held_out.clips)
            rows.append(Row(model, loaded.facts, n, drift, held, miss(drift, held)))
    if not rows:
        raise EngineError(f"no engine can run here; {not_run[0].engine}: {not_run[0].reason}")
    return VerifyReport(
        name=manifest.name,
        version=manifest.version,
        batches=references.batches,
        source=references.source,
        environment=read_environment(),
        rows=tuple(rows),
        not_run=tuple(not_run),
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
