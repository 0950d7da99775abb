"""Checkpoint in, verified bundle out."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edgeecho.bundle import Artefact, Manifest, open_model, render_card
from edgeecho.bundle.manifest import CARD_FILE, MANIFEST_FILE
from edgeecho.console import words
from edgeecho.dataset import read_dataset
from edgeecho.errors import UsageError
from edgeecho.files import atomic_folder, sha256_file, write_json, write_text
from edgeecho.reference import ReferenceClips, load_reference_clips, select_reference_clips
from edgeecho_export.checkpoint import Given, Source, read_checkpoint
from edgeecho_export.parity import verify
from edgeecho_export.to_onnx import OPSET, write_onnx
from edgeecho_train.network import ARCHITECTURE

INTENDED_USE = (
    "Research on the estimation of left-ventricular ejection fraction from apical "
    "four-chamber echocardiogram videos. Not a medical device, not for diagnosis."
)
LIMITS = (
    "Knows only what it was trained on (see above); no gate refuses other views, other organs "
    "or no heart at all.",
    "Takes frames by index, whatever the frame rate: a video whose rate is far from training's is "
    "answered with a warning.",
    "No uncertainty is calibrated yet: the spread over clips says how much the answer varies "
    "along the video, not how far it is from the truth.",
)


@dataclass(frozen=True)
class Label:
    """How the model is to be called."""

    name: str
    version: str


def export(
    checkpoint: Path,
    out: Path,
    label: Label,
    *,
    given: Given,
    clips: Path | None,
    overwrite: bool,
) -> Manifest:
    """Write the bundle `out`, complete and verified, or nothing.

    Errors: `ModelError`, `InputError` (data for `clips`), `UsageError`, and
    `VerificationError` where an engine does not give PyTorch's EF.
    """
    source = read_checkpoint(checkpoint, given)
    reference = _reference(checkpoint, source, clips)
    with atomic_folder(out, marker=MANIFEST_FILE, overwrite=overwrite) as folder:
        file = folder / "fp32.onnx"
        words.print(f"tracing {ARCHITECTURE}, width {source.network.width:g}")
        write_onnx(file, source.network, source.preprocess, name=label.name, version=label.version)
        words.print(f"comparing engines with PyTorch on {len(reference.clips)} reference clips")
        checks = verify(file, source.network, reference.normalised(source.preprocess))
        artefact = Artefact(file.name, sha256_file(file), "fp32", OPSET, checks)
        manifest = _manifest(source, label, artefact)
        write_json(folder / MANIFEST_FILE, manifest.to_dict())
        write_text(folder / CARD_FILE, render_card(manifest))
        open_model(folder)  # what was written can be read back, hashes and all
    return manifest


def _reference(checkpoint: Path, source: Source, data: Path | None) -> ReferenceClips:
    if data is not None:
        videos = read_dataset(data)
        held_out = [video for video in videos if video.split == "VAL"]
        chosen = select_reference_clips(held_out or videos, source.preprocess)
        if chosen is None:
            raise UsageError(f"every video of {data} is shorter than a clip: give other --clips")
        return chosen
    if source.reference is None:
        raise UsageError(
            "this checkpoint brings no reference clips: give --clips DATA, an EchoNet-format "
            "data set, so that the export can be compared with PyTorch"
        )
    path = checkpoint.with_name(source.reference["file"])
    return load_reference_clips(path, source.reference["sha256"])


def _manifest(source: Source, label: Label, artefact: Artefact) -> Manifest:
    packages = ("edgeecho", "torch", "onnx", "onnxscript", "numpy")
    provenance: dict[str, Any] = {
        "checkpoint_sha256": source.sha256,
        "training": source.training,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
    }
    trained_on = "data that the checkpoint does not describe"
    if source.training is not None:
        trained_on = source.training["data"]["description"]
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
        artefacts={artefact.precision: artefact},
        trained_on=trained_on,
        intended_use=INTENDED_USE,
        limits=LIMITS,
    )
