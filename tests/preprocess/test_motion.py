from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeecho.cine import read_cine
from edgeecho.dataset import read_dataset
from edgeecho.preprocess.motion import find_motion
from edgeecho_train.phantom.overlay import picture_times
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom

RNG = np.random.default_rng(0)


@pytest.mark.slow
def test_heart_rates_of_phantoms_are_found(phantoms: Path) -> None:
    errors = []
    for index, video in enumerate(read_dataset(phantoms)):
        cine = read_cine(video.path)
        phantom, _ = draw_phantom(PhantomRecipe(seed=158, frames=70), index)
        seconds = len(cine.frames) / phantom.fps
        ends = np.cumsum(phantom.rr_s)
        shown = [
            rr
            for rr, end in zip(phantom.rr_s, ends, strict=True)
            if end > phantom.start_s and end - rr < phantom.start_s + seconds
        ]
        found = find_motion(cine.frames, cine.fps)
        times = picture_times(phantom.frames, phantom.fps, phantom.export.repeat_every)
        repeated = np.flatnonzero(np.diff(times) == 0) + 1
        # MJPG codes the first frame coarser than the next, so that these two differ at any rate.
        assert tuple(f for f in found.repeated if f > 1) == tuple(repeated[repeated > 1].tolist())
        assert found.odd == ()
        if found.heart_rate_bpm is not None:
            errors.append(abs(found.heart_rate_bpm * np.mean(shown) / 60 - 1))
    # 70 frames hold hardly more than a beat of the slower ones.
    assert len(errors) >= 10
    assert np.median(errors) < 0.03


def beating(period: float, count: int = 150) -> np.ndarray:
    """A disc whose radius goes up and down once in `period` frames, with some noise."""
    y, x = np.mgrid[:112, :112] - 56
    radius = 30 + 8 * np.sin(2 * np.pi * np.arange(count) / period) ** 3
    discs = np.clip(radius[:, None, None] - np.hypot(x, y) + 0.5, 0, 1) * 200
    noisy = discs + np.random.default_rng(1).uniform(0, 40, discs.shape)
    return np.repeat(noisy.astype(np.uint8)[..., None], 3, axis=-1)


@pytest.mark.parametrize("bpm", [40, 66, 120, 180])
def test_a_known_period_is_found(bpm: int) -> None:
    found = find_motion(beating(50 * 60 / bpm), 50.0)
    assert found.heart_rate_bpm == pytest.approx(bpm, rel=0.02)


@pytest.mark.slow
def test_the_same_beat_at_another_rate_of_frames_is_the_same_heart_rate() -> None:
    assert find_motion(beating(30), 30.0).heart_rate_bpm == pytest.approx(60, rel=0.02)
    assert find_motion(beating(80, 300), 80.0).heart_rate_bpm == pytest.approx(60, rel=0.02)


@pytest.mark.parametrize(
    "frames",
    [
        RNG.integers(0, 256, (150, 112, 112, 3), dtype=np.uint8),
        np.zeros((150, 112, 112, 3), np.uint8),
        beating(60, 20),
        beating(60, 1),
        # A picture that drifts out of the frame and does not come back.
        np.stack([np.roll(beating(60, 1)[0], i, axis=0) for i in range(50)]),
    ],
    ids=["noise", "black", "third of a beat", "one frame", "drift"],
)
def test_no_beat_is_no_heart_rate(frames: np.ndarray) -> None:
    assert find_motion(frames, 50.0).heart_rate_bpm is None


def test_without_a_frame_rate_there_is_no_heart_rate() -> None:
    assert find_motion(beating(50), None).heart_rate_bpm is None


def test_repeated_frames_are_listed() -> None:
    frames = beating(50)
    frames[[11, 28, 29]] = frames[[10, 27, 27]]
    assert find_motion(frames, 50.0).repeated == (11, 28, 29)
    assert find_motion(frames, 50.0).odd == ()


def test_a_video_whose_every_frame_is_doubled_says_so() -> None:
    found = find_motion(np.repeat(beating(25, 60), 2, axis=0), 50.0)
    assert found.repeated == tuple(range(1, 120, 2))


def test_a_frozen_video_repeats_every_frame() -> None:
    frames = np.repeat(beating(50, 1), 40, axis=0)
    assert find_motion(frames, 50.0).repeated == tuple(range(1, 40))


def test_a_frame_that_fits_neither_neighbour_is_odd() -> None:
    frames = beating(50)
    frames[0, :56], frames[149, 56:] = 128, 0
    frames[40] = RNG.integers(0, 256, frames[40].shape, dtype=np.uint8)
    frames[90, 60:] = 128  # what a decoder shows for lost data
    found = find_motion(frames, 50.0)
    assert found.odd == (0, 40, 90, 149)
    assert found.heart_rate_bpm == pytest.approx(60, rel=0.03)
