"""Running a bundle's artefacts on this machine's engines, against the bundle's references."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from edgeecho.bundle import (
    Manifest,
    MaskArtefact,
    ModelFile,
    default_model,
    open_model,
    read_manifest,
)
from edgeecho.bundle.artefact import Artefact
from edgeecho.common.environment import read_environment
from edgeecho.common.errors import ModelError
from edgeecho.common.precisions import DriftLimits, MaskLimits
from edgeecho.engines import Engine, GraphEngine, load_engine, load_segmentation, segmentation_file
from edgeecho.tools.verify.drift import measure_drift, miss
from edgeecho.tools.verify.masks import measure_masks, miss_masks
from edgeecho.tools.verify.references import ReferenceSet, references_of_bundle
from edgeecho.tools.verify.report import MaskRow, Row, VerifyReport
from edgeecho.tools.verify.tries import Tries


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

    The clips are the bundle's own, or `references`; frames of them are what the segmentation runs.

    What cannot run is reported with its reason, so that a damaged artefact or an engine that cannot
    be opened does not stop the rest; if nothing ran, that is an error. The drift limits are those
    of the export, or `limits`. Missing one is not an error but a row of the report, so that the
    whole report can be sent back.
    """
    folder = bundle or default_model()
    manifest = read_manifest(folder)
    if references is None:
        references = references_of_bundle(folder, manifest)
    tries = Tries(folder, engine)
    rows: list[Row] = []
    masks: list[MaskRow] = []
    for kind in [precision] if precision else list(manifest.artefacts):
        try:
            model = open_model(folder, precision=kind)
        except ModelError as error:
            file = manifest.artefacts[kind].file if kind in manifest.artefacts else kind
            tries.leave_out(file, "any engine", error, failed=True)
            continue
        held = (limits or {}).get(kind) or recorded_limits(manifest.artefacts[kind])
        rows += tries.run(
            model,
            partial(load_engine, model=model, threads=threads),
            _compare(model, references, held),
        )
        if compare := _compare_masks(manifest, model, references):
            masks += tries.run(
                segmentation_file(model),
                partial(load_segmentation, model=model, threads=threads),
                compare,
            )
    if not rows:
        raise tries.errors[0]
    return VerifyReport(
        name=manifest.name,
        version=manifest.version,
        clips=references.name,
        batches=references.batches,
        source=references.source,
        environment=read_environment(),
        rows=tuple(rows),
        masks=tuple(masks),
        masks_source=references.masks_source,
        not_run=tuple(tries.not_run),
    )


def _compare(
    model: ModelFile, references: ReferenceSet, held: DriftLimits
) -> Callable[[Engine], Row]:
    reference_inputs = references.reference_inputs(model.precision, model.preprocess)

    def compare(engine: Engine) -> Row:
        drift = measure_drift(engine, reference_inputs, references.batches)
        clips = len(reference_inputs.clips)
        return Row(model, engine.facts, clips, drift, held, miss(drift, held))

    return compare


def _compare_masks(
    manifest: Manifest, model: ModelFile, references: ReferenceSet
) -> Callable[[GraphEngine], MaskRow] | None:
    expected = references.masks
    if manifest.segmentation is None or expected is None:
        return None
    held = recorded_mask_limits(manifest.segmentation.artefacts[model.precision])

    def compare(engine: GraphEngine) -> MaskRow:
        drift = measure_masks(engine, expected)
        file, frames = segmentation_file(model), len(expected.frames)
        return MaskRow(file, engine.facts, frames, drift, held, miss_masks(drift, held))

    return compare


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


def recorded_mask_limits(artefact: MaskArtefact) -> MaskLimits:
    """The same of a segmentation's artefact."""
    if not artefact.verification:
        raise ModelError(
            f"the manifest gives no limits for {artefact.file}: export the bundle again"
        )
    return MaskLimits.from_dict(artefact.verification[0].allowed)
