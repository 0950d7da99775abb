"""The grain of a video, on pictures whose grain can be worked out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edgeecho.trust.texture import FRAMES, SIZE, texture

RNG = np.random.default_rng(0)
NAMES = ("size", "peaked", "lateral", "lasting", "lag1", "lag2", "lag4", "lag8")
MEAN, DARK, BRIGHT = -3, -2, -1


def of(frames: np.ndarray, name: str, octave: int = 0) -> float:
    return float(texture(frames)[8 * octave + NAMES.index(name)])


def grained(sigma: float = 0.0, t: int = 24, size: int = 112, still: bool = False) -> np.ndarray:
    """Gaussian noise around a grey of 100, smoothed over `sigma` pixels, new in each frame."""
    noise = RNG.standard_normal((1 if still else t, size, size))
    if sigma:
        noise = np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in noise])
    grey = np.clip(100 + 20 * noise / noise.std(), 0, 255)
    return np.repeat(np.broadcast_to(grey[..., None], (t, size, size, 1)), 3, 3).astype(np.uint8)


def test_fine_grain_lies_in_the_first_octave_and_coarse_grain_in_the_third() -> None:
    fine, coarse = grained(), grained(4.0)
    assert of(fine, "size", 0) > of(fine, "size", 2) + 1
    assert of(coarse, "size", 2) > of(coarse, "size", 0) + 1


def test_gaussian_noise_is_as_peaked_as_a_normal_distribution() -> None:
    # Mean square by squared mean of the absolute value: pi / 2.
    assert of(grained(), "peaked") == pytest.approx(np.log(np.pi / 2), abs=0.02)


def test_streaks_across_are_told_from_streaks_down() -> None:
    noise = RNG.standard_normal((8, 112, 112))
    across = np.stack([cv2.GaussianBlur(frame, (0, 0), sigmaX=4, sigmaY=0.5) for frame in noise])
    frames = np.repeat((100 + 100 * across)[..., None], 3, 3).clip(0, 255).astype(np.uint8)
    assert of(frames, "lateral") < -0.5
    assert of(np.ascontiguousarray(frames.transpose(0, 2, 1, 3)), "lateral") > 0.5


def test_what_stays_changes_by_nothing_and_what_is_new_in_each_frame_by_all() -> None:
    still, new = grained(still=True), grained()
    for lag in ("lasting", "lag1", "lag8"):
        assert of(still, lag) < -5
    # The difference of two independent frames is sqrt(2) as large.
    assert of(new, "lag1") == pytest.approx(0.5 * np.log(2), abs=0.02)
    assert of(new, "lag8") == pytest.approx(of(new, "lag1"), abs=0.02)


def test_lags_count_frames() -> None:
    every_other = grained(t=24)[np.arange(24) // 2]
    assert of(every_other, "lag1") == pytest.approx(of(every_other, "lag2") - np.log(2), abs=0.1)


def test_gain_changes_the_mean_and_not_the_grain() -> None:
    frames = grained(1.0)
    dim = (frames * 0.6).astype(np.uint8)
    here, there = texture(frames), texture(dim)
    assert here[MEAN] - there[MEAN] == pytest.approx(np.log(1 / 0.6), abs=0.02)
    # Rounding to whole levels adds a little.
    assert np.abs(here[:24] - there[:24]).max() < 0.1


def test_shares_of_black_and_of_saturated_pixels() -> None:
    frames = np.full((4, 112, 112, 3), 100, np.uint8)
    frames[:, :28], frames[::2, 28:56] = 255, 0
    found = texture(frames)
    assert found[BRIGHT] == pytest.approx(np.log(0.25 + 0.003), abs=1e-3)
    assert found[DARK] == pytest.approx(np.log(0.125 + 0.01), abs=1e-3)


def test_what_is_black_throughout_is_left_out() -> None:
    frames = grained()
    wide = np.zeros((24, 112, 150, 3), np.uint8)
    wide[:, :, 19:131] = frames
    beside = np.zeros((24, 150, 150, 3), np.uint8)
    beside[:, 19:131] = wide
    assert np.abs(texture(beside)[:8] - texture(frames)[:8]).max() < 0.05


def test_the_middle_of_a_long_video_is_looked_at() -> None:
    long = np.concatenate([grained(4.0, t=40), grained(t=FRAMES), grained(4.0, t=40)])
    assert np.array_equal(texture(long), texture(long[40 : 40 + FRAMES]))


@pytest.mark.parametrize("size", [16, 28, 112])
@pytest.mark.parametrize("t", [1, 2, 9])
@pytest.mark.parametrize("level", [0, 3, 255])
def test_it_is_finite_whatever_is_shown(size: int, t: int, level: int) -> None:
    found = texture(np.full((t, size, size, 3), level, np.uint8))
    assert found.shape == (SIZE,)
    assert np.isfinite(found).all()
