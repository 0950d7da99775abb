"""Running a bundle's artefacts on this machine's engines, against the bundle's references."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from edgeecho.bundle import default_model, open_model, read_manifest
from edgeecho.bundle.artefact import Artefact
from edgeecho.common.environment import read_environment
from edgeecho.common.errors import EdgeEchoError, EngineError, ModelError
from edgeecho.common.precisions import DriftLimits
from edgeecho.engines import OURS, engines, load_engine
from edgeecho.tools.verify.drift import measure_drift, miss
from edgeecho.tools.verify.references import ReferenceSet, read_references
from edgeecho.tools.verify.report import NotRun, Row, VerifyReport


def verify_bundle(
    bundle: Path | None = None,
    *,
    engine: str | None = None,
    precision: str | None = None,
    limits: Mapping[str, DriftLimits] | None = None,
    references: ReferenceSet | None = None,
    threads: int = 0,
) -> VerifyReport:
    """Run every artefact (or that of `precision`) on every installed engine (or on `engine`).

    The clips are the bundle's own, or `references`.

    What cannot run is reported with its reason, so that a damaged artefact or an engine that cannot
    be opened does not stop the rest; if nothing ran, that is an error. The drift limits are those
    of the export, or `limits`. Missing one is not an error but a row of the report, so that the
    whole report can be sent back.
    """
    folder = bundle or default_model()
    manifest = read_manifest(folder)
    if references is None:
        references = read_references(folder, manifest.references)
    among = OURS if engine else engines()
    by_name = {entry.name: entry for entry in among if entry.available}
    if not by_name:
        raise EngineError(f"no engine is installed: {OURS[0].install}")
    rows: list[Row] = []
    not_run: list[NotRun] = []
    errors: list[EdgeEchoError] = []
    for kind in [precision] if precision else list(manifest.artefacts):
        file = manifest.artefacts[kind].file if kind in manifest.artefacts else kind
        try:
            model = open_model(folder, precision=kind)
        except ModelError as error:
            errors.append(error)
            not_run.append(NotRun(file, "any engine", _without(folder, str(error)), failed=True))
            continue
        held = (limits or {}).get(kind) or recorded_limits(manifest.artefacts[kind])
        reference_inputs = references.reference_inputs(kind, model.preprocess)
        for name in [engine] if engine else list(by_name):
            why = None if engine else by_name[name].obstacle(model)
            loaded = None
            try:
                if why:
                    raise EngineError(why)
                loaded = load_engine(name, model, threads=threads)
                drift = measure_drift(loaded, reference_inputs, references.batches)
            except (EngineError, ModelError) as error:
                errors.append(error)
                reason = _without(folder, str(error))
                # An engine that cannot be opened here says nothing of the file; one that refuses
                # the file, or fails while it runs, does. A named engine may have been built for one
                # precision only.
                failed = not engine and (loaded is not None or isinstance(error, ModelError))
                not_run.append(NotRun(file, name, reason, failed))
                continue
            n = len(reference_inputs.clips)
            rows.append(Row(model, loaded.facts, n, drift, held, miss(drift, held)))
    if not rows:
        raise errors[0]
    return VerifyReport(
        name=manifest.name,
        version=manifest.version,
        clips=references.name,
        batches=references.batches,
        source=references.source,
        environment=read_environment(),
        rows=tuple(rows),
        not_run=tuple(not_run),
    )


def _without(folder: Path, text: str) -> str:
    """Remove paths, since reports are sent back."""
    for path in (str(folder.resolve()), str(folder)):
        if os.sep in path:
            text = text.replace(path, folder.resolve().name)
    return text


def limits_of(bundle: Path | None = None) -> dict[str, DriftLimits]:
    """The drift limits of the export, by precision."""
    artefacts = read_manifest(bundle or default_model()).artefacts
    return {precision: recorded_limits(artefact) for precision, artefact in artefacts.items()}


def recorded_limits(artefact: Artefact) -> DriftLimits:
    """The artefact's limits at export; `ModelError` if no drift was measured then."""
    if not artefact.verification:
        raise ModelError(
            f"the manifest gives no limits for {artefact.file}: export the bundle again"
        )
    return DriftLimits.from_dict(artefact.verification[0].allowed)
