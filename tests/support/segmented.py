"""A bundle with a segmentation beside the EF network, for the tests of all that shows masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edgeecho.dataset.reference import load_reference_clips
from edgeecho.preprocess import PreprocessSpec, normalise
from edgeecho_train.checkpoint import SEGMENTATION, load_file, save_checkpoint
from edgeecho_train.segmentation.network import build_segmentation

EF = Path(__file__).parents[2] / "models" / "narrow" / "best.pt"
NAME, WIDTH = "lraspp_mobilenet_v3_large", 0.0625


def light_checkpoint(path: Path) -> Path:
    """Random weights, which give masks that differ from frame to frame, for the frames of `EF`."""
    ef = load_file(EF)
    spec = PreprocessSpec.from_dict(ef["preprocess"])
    torch.manual_seed(2)
    network = build_segmentation(NAME, WIDTH)
    frames = _frames(spec, ef["reference_clips"])
    with torch.no_grad():
        for _ in range(20):  # batch norms that fit the frames
            network(frames)
        # Logits around 0, so that there is a mask, and not everywhere.
        logits = network.eval()(frames)["out"]
        low, high = network.classifier.low_classifier, network.classifier.high_classifier
        for layer in (low, high):
            layer.weight.mul_(4 / logits.std())
            layer.bias.zero_()
        high.bias.sub_(network(frames)["out"].median())
    save_checkpoint(
        path,
        network,
        {
            "task": SEGMENTATION,
            "architecture": NAME,
            "width": WIDTH,
            "preprocess": spec.to_dict(),
            "provenance": {"data": {"description": "nothing: random weights"}},
            "reference_clips": None,
        },
    )
    return path


def _frames(spec: PreprocessSpec, entry: dict[str, str]) -> Tensor:
    clips = load_reference_clips(EF.with_name(entry["file"]), entry["sha256"]).clips
    some = [normalise(clip[::8], spec).swapaxes(0, 1) for clip in clips]
    return torch.from_numpy(np.concatenate(some))
