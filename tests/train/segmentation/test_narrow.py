"""The narrow segmentation in `models/narrow`: other tests rely on its masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from edgeecho.bundle import read_manifest
from edgeecho.dataset import read_dataset
from edgeecho.dataset.tracings import read_tracings
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.checkpoint import SEGMENTATION, load_checkpoint
from edgeecho_train.data import ClipKey
from edgeecho_train.segmentation.frames import TracedFrames
from edgeecho_train.segmentation.network import build_segmentation
from edgeecho_train.segmentation.task import dice

pytestmark = pytest.mark.slow

NARROW = Path(__file__).parents[3] / "models" / "narrow"
FILE = NARROW / "segmentation.safetensors"


def test_it_is_given_the_frames_of_the_narrow_ef_network_and_is_small() -> None:
    assert FILE.stat().st_size < 700_000
    spec = PreprocessSpec.from_dict(load_checkpoint(FILE, SEGMENTATION)["preprocess"])
    for ef in (
        PreprocessSpec.from_dict(load_checkpoint(NARROW / "best.pt")["preprocess"]),
        read_manifest(NARROW / "bundle").preprocess,
    ):
        assert replace(spec, frames=32, period=2, training_fps=ef.training_fps) == ef


def test_it_finds_the_ventricle_of_phantoms_that_it_never_saw(phantoms: Path) -> None:
    value = load_checkpoint(FILE, SEGMENTATION)
    network = build_segmentation(value["architecture"], value["width"]).eval()
    network.load_state_dict(value["state_dict"])
    spec = PreprocessSpec.from_dict(value["preprocess"])
    data = TracedFrames(read_dataset(phantoms), read_tracings(phantoms), spec, pad=0, seed=0)
    frames, true = zip(*(data[ClipKey(-1, index)] for index in range(len(data))), strict=True)
    with torch.inference_mode():
        found = network(torch.cat([both.transpose(0, 1) for both in frames]))["out"][:, 0] > 0
    assert dice(found, torch.cat(true) > 0) > 0.9
