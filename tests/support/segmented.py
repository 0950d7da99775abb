"""Bundles with a segmentation beside the EF network, for the tests of all that shows masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from graphs import quantize, write_random
from rtx import describe

from edgeecho.bundle import read_manifest
from edgeecho.bundle.manifest import MANIFEST_FILE
from edgeecho.common.files import write_json
from edgeecho.common.precisions import PRECISIONS
from edgeecho.dataset.reference import load_reference_clips
from edgeecho_export.checkpoint import CheckpointOptions, read_checkpoint
from edgeecho_export.pipeline import export
from edgeecho_export.recipes import find_recipe
from edgeecho_export.recipes.base import ExportOptions, ModelLabel, Workspace
from edgeecho_export.recipes.fp16 import write_fp16
from edgeecho_export.segmentation.add import add_segmentation
from edgeecho_export.segmentation.checkpoint import read_segmentation

MODELS = Path(__file__).parents[2] / "models" / "narrow"
EF, MASKS = MODELS / "best.pt", MODELS / "segmentation.safetensors"
_LABEL = ModelLabel("segmented", "1")


def export_segmented(out: Path) -> None:
    """Both networks of `models/narrow`, in FP32."""
    given, options = CheckpointOptions(), ExportOptions(shared=False)
    export(
        EF, out, _LABEL, given=given, clips=None, overwrite=False, options=options,
        segmentation=MASKS,
    )  # fmt: skip


def workspace(folder: Path) -> Workspace:
    """For a segmentation alone: two reference clips to compare on, all eight to calibrate on."""
    source = read_checkpoint(EF, CheckpointOptions())
    assert source.reference is not None
    stored = load_reference_clips(MODELS / source.reference["file"], source.reference["sha256"])
    clips = stored.normalised(source.preprocess)
    options = ExportOptions(methods=("minmax",))
    every = [clip[None] for clip in clips]
    return Workspace(folder, source, _LABEL, options, clips[[0, 5]], calibration=every)


def segmented_in_every_precision(out: Path, precisions: Sequence[str] = tuple(PRECISIONS)) -> None:
    """The segmentation of `models/narrow` in all of them, beside a tiny EF network, which says
    nothing: it would take longest."""
    out.mkdir()
    fp32 = write_random(out / "fp32.onnx", 0.0625, frames=16, size=56)
    write_fp16(fp32, out / "fp16.onnx")
    quantize(fp32, out / "int8.onnx")
    manifest = read_manifest(describe(out))
    work = workspace(out)
    source = read_segmentation(MASKS, work.source.preprocess)
    found = add_segmentation(work, source, [find_recipe(name) for name in precisions], keep=False)
    artefacts = {name: manifest.artefacts[name] for name in precisions}
    whole = replace(manifest, artefacts=artefacts, segmentation=found)
    write_json(out / MANIFEST_FILE, whole.to_dict())
