"""Masks of every frame and their beats, beside the EF."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ventricle import Drawn, beating

from edgeecho.bundle import EXAMPLE
from edgeecho.common.errors import EngineError
from edgeecho.inference import LoadedModel, estimate_file, find_masks, load_model
from edgeecho.preprocess import PreprocessSpec

SPEC = PreprocessSpec((10.0, 20.0, 30.0), (2.0, 4.0, 5.0), frames=4, period=2, size=112)


@pytest.fixture(scope="module")
def model(narrow_bundle: Path) -> LoadedModel:
    return load_model(narrow_bundle)


def test_without_a_segmentation_there_is_nothing_traced(model: LoadedModel) -> None:
    assert estimate_file(EXAMPLE, model, clips="center").traced is None


def test_every_frame_has_its_mask_and_beats_have_the_networks_ef(model: LoadedModel) -> None:
    frames = estimate_file(EXAMPLE, model, clips="center").video.frames
    masks = beating(frames, size=model.file.preprocess.size)
    estimate = estimate_file(EXAMPLE, replace(model, masks=Drawn(masks)), clips="all")
    traced = estimate.traced
    assert traced is not None
    assert all((traced.mask(i) == masks[i]).all() for i in range(frames))
    assert len(traced.packed) == frames
    used = traced.beats.used
    assert used
    for beat in used:
        assert beat.es is not None
        start = max(beat.es.frame - 32, 0)
        expected = dict(zip(estimate.clip_starts, estimate.clip_efs, strict=True)).get(start)
        assert beat.network_ef == expected
    assert any(beat.network_ef is not None for beat in used)
    assert estimate.timings_ms["masks"] == traced.ms > 0


def test_frames_are_normalised_and_in_order() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (37, 112, 112, 3), dtype=np.uint8)

    class Grey(Drawn):
        def infer(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            assert inputs["frame"].shape == (16, 3, 112, 112)
            # Above 0 where green, without mean and std, is above 128.
            return {"logits": inputs["frame"][:, 1] * 4 + 20 - 128.5}

    found = find_masks(frames, SPEC, Grey(np.empty(0)))
    assert (found == (frames[..., 1] > 128)).all()


def test_not_a_number_is_an_error() -> None:
    class Broken(Drawn):
        def infer(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {"logits": np.full((16, 112, 112), np.nan, np.float32)}

    with pytest.raises(EngineError, match="a mask that is not a number"):
        find_masks(np.zeros((3, 112, 112, 3), np.uint8), SPEC, Broken(np.empty(0)))
