"""Export of a checkpoint to a bundle: read, convert and check by each recipe, publish."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edgeecho.bundle import Artefact, Manifest, Skill, open_model, write_manifest
from edgeecho.bundle.manifest import MANIFEST_FILE, UNGATED
from edgeecho.common.files import atomic_folder, check_replaceable, sha256_file
from edgeecho.common.precisions import PRECISIONS
from edgeecho.engines import load_engine
from edgeecho.engines.trial import FILE as TRIAL
from edgeecho.tools.verify import save_references
from edgeecho_calibration.sets import CalibrationClips
from edgeecho_export.checkpoint import CheckpointOptions, LoadedCheckpoint, read_checkpoint
from edgeecho_export.checks.shared import add_shared
from edgeecho_export.graph import OPSET
from edgeecho_export.recipes import find_recipe
from edgeecho_export.recipes.base import ExportOptions, ModelLabel, RecipeResult, Workspace
from edgeecho_export.reference_clips import SelectedClips, select_clips
from edgeecho_export.segmentation.add import add_segmentation
from edgeecho_export.segmentation.checkpoint import read_segmentation
from edgeecho_export.shared.graph import SHORTEST
from edgeecho_export.skill import require, skill_of
from edgeecho_train.checkpoint import trained_on
from edgeecho_train.network import ARCHITECTURE

INTENDED_USE = (
    "Research on the estimation of left-ventricular ejection fraction from apical "
    "four-chamber echocardiogram videos. Not a medical device, not for diagnosis."
)
_BY_INDEX = (
    "Takes frames by index, whatever the frame rate: a video whose rate is far from training's is "
    "answered with a warning."
)
_BY_TIME = (
    "Takes frames by their time stamps: a video whose frame rate is not known is not answered."
)


def export(
    checkpoint: Path,
    out: Path,
    label: ModelLabel,
    *,
    given: CheckpointOptions,
    clips: Path | SelectedClips | None,
    overwrite: bool,
    options: ExportOptions | None = None,
    keep_references: bool = True,
    segmentation: Path | None = None,
) -> Manifest:
    """Write the bundle `out`, complete and verified, or nothing at all.

    `clips`: to compare on, a data set, which also shows skill, or clips of no data set.
    `segmentation`: checkpoint of a segmentation that belongs into the bundle.
    `keep_references`: store the held-out clips in it, so that `edgeecho verify` can run them.

    Errors: `ModelError`, `InputError` (data for `clips`, the calibration set), `UsageError`, and
    `VerificationError` if an artefact fails its checks or skill is required and not shown,
    `EngineError` if the engine that must check cannot.
    """
    options = options or ExportOptions()
    check_replaceable(out.resolve(), marker=MANIFEST_FILE, overwrite=overwrite)
    if options.engine:
        load_engine(options.engine, open_model(TRIAL))  # before any work
    source = read_checkpoint(checkpoint, given)
    masks = read_segmentation(segmentation, source.preprocess) if segmentation else None
    wanted = [name for name in PRECISIONS if name in ("fp32", *options.precisions)]
    if len([name for name in wanted if PRECISIONS[name].calibrated]) > 1:
        raise NotImplementedError("the manifest has room for one calibration")
    recipes = [find_recipe(name) for name in wanted]
    for recipe in recipes:
        recipe.refuse(source, options)
    seen, calibration = None, options.calibration
    if calibration is not None:
        seen = CalibrationClips(calibration.chosen, source.preprocess, data=calibration.data)
    if isinstance(clips, SelectedClips):
        reference_inputs, skill = clips, skill_of(source, None)
    else:
        reference_inputs = select_clips(checkpoint, source, clips, calibration, recipes)
        skill = skill_of(source, clips)
    if options.require_skill:
        require(skill)
    with atomic_folder(out, marker=MANIFEST_FILE, overwrite=overwrite) as folder:
        normalised = reference_inputs.clips.normalised(source.preprocess)
        work = Workspace(
            folder, source, label, options, normalised, reference_inputs.clips.efs, seen
        )
        made = {r.name: r.make(work, folder / f"{r.name}.onnx") for r in recipes}
        artefacts = {name: _artefact(folder, name, one) for name, one in made.items()}
        if options.shared or (options.shared is None and source.preprocess.frames >= SHORTEST):
            artefacts = {
                name: add_shared(artefact, folder, normalised, options.limits[name], options.engine)
                for name, artefact in artefacts.items()
            }
        references = _references(work, reference_inputs, keep=keep_references)
        manifest = replace(
            _manifest(source, label, artefacts, references, skill, options.pad),
            calibration=_calibration(work, made.values()),
            segmentation=add_segmentation(work, masks, recipes, keep=keep_references)
            if masks
            else None,
        )
        write_manifest(folder, manifest)
        for precision in manifest.artefacts:  # the written bundle can be read back, hashes included
            open_model(folder, precision=precision)
    return manifest


def _artefact(folder: Path, precision: str, made: RecipeResult) -> Artefact:
    file = folder / f"{precision}.onnx"
    return Artefact(file.name, sha256_file(file), precision, OPSET, made.checks, made.range)


def _references(work: Workspace, chosen: SelectedClips, *, keep: bool) -> dict[str, Any]:
    expected = work.reference_inputs.expected
    entry = {"source": chosen.source, "clips": len(expected), "ef_sd": float(expected.std())}
    return entry | save_references(work.folder, chosen.clips, expected) if keep else entry


def _calibration(work: Workspace, made: Iterable[RecipeResult]) -> dict[str, Any] | None:
    """The calibration entry of the precision that has one."""
    calibration = work.options.calibration
    found = [one.calibration for one in made if one.calibration]
    if not found or calibration is None:
        return None
    return {
        "sha256": calibration.sha256,
        "data": calibration.chosen.data,
        "clips": work.ranges.clips,
        "seed": calibration.chosen.seed,
        **found[0],
    }


def _manifest(
    source: LoadedCheckpoint,
    label: ModelLabel,
    artefacts: Mapping[str, Artefact],
    references: Mapping[str, Any],
    skill: Skill | None,
    pad: int,
) -> Manifest:
    packages = ("edgeecho", "torch", "onnx", "onnxscript", "numpy")
    provenance: dict[str, Any] = {
        "checkpoint_sha256": source.sha256,
        "training": source.training,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
        **({"assumed": dict(source.assumed)} if source.assumed else {}),
    }
    parameters = sum(p.numel() for p in source.network.parameters())
    return Manifest(
        name=label.name,
        version=label.version,
        architecture={
            "name": ARCHITECTURE,
            "width": source.network.width,
            "parameters": parameters,
            **({"padded_to": pad} if pad > 1 else {}),
        },
        preprocess=source.preprocess,
        provenance=provenance,
        artefacts=artefacts,
        trained_on=trained_on(source.training),
        intended_use=INTENDED_USE,
        limits=(
            UNGATED[0],
            _BY_INDEX if source.preprocess.time == "native" else _BY_TIME,
            UNGATED[1],
        ),
        references=references,
        skill=skill,
    )
