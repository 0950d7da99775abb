"""The distance of masks from PyTorch's, and its limits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from edgeecho.common.errors import ModelError
from edgeecho.common.precisions import PRECISIONS, MaskLimits
from edgeecho.engines import EngineFacts
from edgeecho.tools.verify import MaskDrift, MaskReferences, measure_masks, miss_masks
from edgeecho.tools.verify.masks import find_masks, frames_of

FP32 = PRECISIONS["fp32"].masks
SIZE = 20


def square(side: int) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[:side, :side] = True
    return mask


def test_dice_is_over_all_pixels_and_areas_are_of_each_frame() -> None:
    expected = np.stack([square(10), square(4)])
    found = np.stack([square(10), square(5)])
    drift = MaskDrift.of(found, expected)
    assert drift.dice == pytest.approx(2 * (100 + 16) / (100 + 100 + 16 + 25))
    assert drift.worst_area == pytest.approx(100 * 9 / 16)
    assert drift.area == pytest.approx(drift.worst_area / 2)


def test_the_area_of_a_tiny_mask_is_compared_with_a_share_of_the_picture() -> None:
    # A hundredth of 400 pixels is 4; of one pixel three more would be 300 %.
    drift = MaskDrift.of(square(2)[None], square(1)[None])
    assert drift.worst_area == pytest.approx(100 * 3 / 4)


def test_where_there_is_nothing_and_nothing_is_found_all_is_well() -> None:
    nothing = np.zeros((3, SIZE, SIZE), bool)
    assert MaskDrift.of(nothing, nothing) == MaskDrift(1.0, 0.0, 0.0)
    assert MaskDrift.of(nothing, nothing | square(3)).dice == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dice": 0.99989}, "Dice coefficient of 0.99989 with PyTorch's, at least 0.9999"),
        ({"area": 0.021}, "areas that differ from PyTorch's by 0.021 % on average, allowed are"),
        ({"worst_area": 0.51}, "an area that differs from PyTorch's by 0.51 %, allowed are 0.5"),
        ({"dice": math.nan}, "masks that are not numbers"),
    ],
)
def test_each_statistic_has_its_limit(change: dict[str, float], says: str) -> None:
    at_the_limit = MaskDrift(FP32.dice, FP32.area, FP32.worst_area)
    assert miss_masks(at_the_limit, FP32) is None
    missed = miss_masks(replace(at_the_limit, **change), FP32)
    assert missed is not None
    assert says in missed


def test_limits_are_read_from_a_manifest_or_refused() -> None:
    assert MaskLimits.from_dict(FP32.to_dict()) == FP32
    for wrong in ({"dice": 1}, {**FP32.to_dict(), "more": 1}, {**FP32.to_dict(), "area": "much"}):
        with pytest.raises(ModelError, match="limits of masks"):
            MaskLimits.from_dict(wrong)


def test_loosened_limits_are_known() -> None:
    assert FP32.wider_than(FP32) == ()
    int8 = PRECISIONS["int8"].masks
    assert int8.wider_than(FP32) == ("dice", "area", "worst_area")
    assert FP32.wider_than(int8) == ()


class Engine:
    """Answers with the first colour, and keeps the sizes of its calls."""

    facts = EngineFacts("some", "1", "here", "f32", 1)

    def __init__(self, broken: int | None = None) -> None:
        self.sizes: list[int] = []
        self.broken = broken

    def infer(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        frames = inputs["frame"]
        self.sizes.append(len(frames))
        logits = frames[:, 0].copy()
        if len(frames) == self.broken:
            logits[0, 0, 0] = np.inf
        return {"logits": logits}


FRAMES = np.random.default_rng(1).standard_normal((5, 3, SIZE, SIZE), np.float32)


def test_every_call_has_the_full_batch_and_every_frame_its_mask() -> None:
    engine = Engine()
    masks = find_masks(engine, FRAMES, 2)
    assert engine.sizes == [2, 2, 2]
    assert masks is not None
    assert (masks == (FRAMES[:, 0] > 0)).all()


def test_the_worst_batch_counts_and_infinity_is_no_mask() -> None:
    references = MaskReferences(FRAMES, FRAMES[:, 0] > 0)
    assert measure_masks(Engine(), references) == MaskDrift(1.0, 0.0, 0.0)
    assert math.isnan(measure_masks(Engine(broken=16), references).dice)
    assert math.isnan(measure_masks(Engine(broken=1), references).worst_area)


def test_reference_frames_are_spread_over_each_clip() -> None:
    clips = np.arange(2 * 3 * 32, dtype=np.float32).reshape(2, 3, 32, 1, 1)
    frames = frames_of(clips)
    assert frames.shape == (8, 3, 1, 1)
    places = [0, 10, 21, 31]
    for clip in range(2):
        for number, place in enumerate(places):
            assert (frames[4 * clip + number] == clips[clip, :, place]).all()
