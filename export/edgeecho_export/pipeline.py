"""Checkpoint in, verified bundle out."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edgeecho.bundle import Artefact, Manifest, open_model, render_card
from edgeecho.bundle.manifest import CARD_FILE, MANIFEST_FILE, UNGATED
from edgeecho.common.console import words
from edgeecho.common.files import atomic_folder, sha256_file, write_json, write_text
from edgeecho.tools.verify import LIMITS as GATES
from edgeecho.tools.verify import HeldOut, Limits, save_references
from edgeecho_calibration.sets import CalibrationClips, CalibrationSet
from edgeecho_export.checkpoint import Given, Source, read_checkpoint
from edgeecho_export.float_layers import check_layers
from edgeecho_export.held_out import choose_held_out
from edgeecho_export.parity import ask_pytorch, verify
from edgeecho_export.precisions import add_fp16, add_int8, check_range, collect
from edgeecho_export.shared import SHORTEST
from edgeecho_export.shared_gate import add_shared
from edgeecho_export.to_onnx import OPSET, write_onnx
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
_LIVELY = 1.0
"""EF points: below, answers hardly depend on the clip, and neither does their drift."""


@dataclass(frozen=True)
class Label:
    """How the model is to be called."""

    name: str
    version: str


@dataclass(frozen=True)
class Calibration:
    """What INT8 is calibrated with."""

    chosen: CalibrationSet
    sha256: str
    """Of the set's file."""
    data: Path | None = None
    """Where its videos are now; None: where they were."""


@dataclass(frozen=True)
class Precisions:
    """What is wanted beside FP32, and what everything is held to."""

    fp16: bool = False
    int8_methods: tuple[str, ...] = ()
    """Methods to try; empty: no INT8. Needs a calibration set."""
    float_layers: tuple[str, ...] = ()
    """Convolutions that INT8 leaves in float beside the stem's."""
    calibration: Calibration | None = None
    limits: Mapping[str, Limits] = field(default_factory=lambda: GATES)
    shared: bool | None = None
    """Of each a graph that answers overlapping clips together; None: unless clips are too short."""


def export(
    checkpoint: Path,
    out: Path,
    label: Label,
    *,
    given: Given,
    clips: Path | None,
    overwrite: bool,
    precisions: Precisions | None = None,
    keep_references: bool = True,
) -> Manifest:
    """Write the bundle `out`, complete and verified, or nothing.

    `keep_references`: put the held-out clips into it, so that `edgeecho verify` can run them.

    Errors: `ModelError`, `InputError` (data for `clips`, the calibration set), `UsageError`,
    and `VerificationError` where an artefact misses its gate.
    """
    wanted = precisions or Precisions()
    source = read_checkpoint(checkpoint, given)
    calibration = wanted.calibration
    calibrated_on = None
    if calibration is not None and wanted.int8_methods:
        calibrated_on = calibration.data or Path(calibration.chosen.folder)
    check_layers(source.network, wanted.float_layers)
    chosen = None
    if calibration is not None:
        chosen = CalibrationClips(calibration.chosen, source.preprocess, data=calibration.data)
    chosen_clips = choose_held_out(checkpoint, source, clips, calibrated_on)
    reference = chosen_clips.clips
    with atomic_folder(out, marker=MANIFEST_FILE, overwrite=overwrite) as folder:
        file = folder / "fp32.onnx"
        words.print(f"tracing {ARCHITECTURE}, width {source.network.width:g}")
        write_onnx(file, source.network, source.preprocess, name=label.name, version=label.version)
        words.print(f"comparing engines with PyTorch on {len(reference.clips)} held-out clips")
        normalised = reference.normalised(source.preprocess)
        held_out = ask_pytorch(source.network, normalised, reference.efs)
        if (spread := float(held_out.expected.std())) < _LIVELY:
            words.print(
                f"PyTorch gives nearly the same EF to every held-out clip (standard deviation "
                f"{spread:.2f}): this network has learnt nothing, and its drift says nothing"
            )
        checks = verify(file, held_out.of_precision("fp32"), wanted.limits["fp32"])
        artefacts = [Artefact(file.name, sha256_file(file), "fp32", OPSET, checks)]
        more, calibrated = _lower(file, held_out, wanted, chosen)
        artefacts += more
        if wanted.shared or (wanted.shared is None and source.preprocess.frames >= SHORTEST):
            artefacts = [
                add_shared(a, folder, normalised, wanted.limits[a.precision]) for a in artefacts
            ]
        references = {
            "source": chosen_clips.source,
            "clips": len(reference.clips),
            "ef_sd": float(held_out.expected.std()),
        }
        if keep_references:
            references |= save_references(folder, reference, held_out.expected)
        manifest = replace(
            _manifest(source, label, artefacts), references=references, calibration=calibrated
        )
        write_json(folder / MANIFEST_FILE, manifest.to_dict())
        write_text(folder / CARD_FILE, render_card(manifest))
        for artefact in artefacts:  # what was written can be read back, hashes and all
            open_model(folder, precision=artefact.precision)
    return manifest


def _lower(
    fp32: Path, held_out: HeldOut, wanted: Precisions, chosen: CalibrationClips | None
) -> tuple[list[Artefact], dict[str, Any] | None]:
    """FP16 and INT8 as wanted, and the manifest's entry on calibration."""
    if not (wanted.fp16 or wanted.int8_methods):
        return [], None
    reference = [clip[None] for clip in held_out.clips]
    ranges = collect(fp32, reference if chosen is None else chosen, wanted.int8_methods)
    artefacts, entry = [], None
    if wanted.fp16:
        source = "reference clips" if chosen is None else "calibration set"
        found = check_range(fp32, ranges, source)
        artefacts.append(add_fp16(fp32, held_out, wanted.limits["fp16"], found))
    if wanted.int8_methods and wanted.calibration and chosen is not None:
        quantized = add_int8(
            fp32,
            held_out,
            wanted.limits["int8"],
            ranges,
            wanted.int8_methods,
            chosen,
            wanted.float_layers,
        )
        artefacts.append(quantized.artefact)
        entry = {
            "sha256": wanted.calibration.sha256,
            "data": wanted.calibration.chosen.data,
            "clips": ranges.clips,
            "seed": wanted.calibration.chosen.seed,
            "method": quantized.method,
            "methods": list(quantized.methods),
            "float_layers": list(wanted.float_layers),
        }
    return artefacts, entry


def _manifest(source: Source, label: Label, artefacts: list[Artefact]) -> Manifest:
    packages = ("edgeecho", "torch", "onnx", "onnxscript", "numpy")
    provenance: dict[str, Any] = {
        "checkpoint_sha256": source.sha256,
        "training": source.training,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
    }
    parameters = sum(p.numel() for p in source.network.parameters())
    return Manifest(
        name=label.name,
        version=label.version,
        architecture={
            "name": ARCHITECTURE,
            "width": source.network.width,
            "parameters": parameters,
        },
        preprocess=source.preprocess,
        provenance=provenance,
        artefacts={artefact.precision: artefact for artefact in artefacts},
        trained_on=trained_on(source.training),
        intended_use=INTENDED_USE,
        limits=(
            UNGATED[0],
            _BY_INDEX if source.preprocess.time == "native" else _BY_TIME,
            UNGATED[1],
        ),
    )
