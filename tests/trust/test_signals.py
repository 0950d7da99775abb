"""What is measured for the gates, on frames whose measurements can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgeecho.cine import Cine
from edgeecho.preprocess import PreprocessSpec, VideoFacts, prepare
from edgeecho.trust import Signals, measure

SPEC = PreprocessSpec((32, 32, 32), (48, 48, 48), frames=4, size=28)
"""Two rows and two columns of pixels for each cell of the coarse picture."""


def look(frames: np.ndarray, fps: float | None = 50.0, missing: int = 0) -> Signals:
    stamps = np.arange(len(frames)) / (fps or np.nan)
    cine = Cine(frames, stamps, fps, "container", "avi", "MJPG", missing=missing)
    prepared = prepare(cine, SPEC)
    return measure(cine, prepared, VideoFacts.of(cine, prepared, SPEC), SPEC)


def grey(*levels: int) -> np.ndarray:
    """`(n, 28, 28, 3)`: frames of one grey each."""
    return np.full((len(levels), 28, 28, 3), np.array(levels)[:, None, None, None], np.uint8)


def drifting(n: int) -> np.ndarray:
    """Frames that become brighter from left to right, a little more in each."""
    slope = np.arange(28) * 4 + np.arange(n)[:, None] * 2
    return np.broadcast_to(slope[:, None, :, None], (n, 28, 28, 3)).astype(np.uint8)


def test_odd_and_missing_frames_are_not_sound() -> None:
    frames = drifting(20)
    assert look(frames).sound == 1
    frames[[5, 12]] = 255 - frames[[5, 12]]
    assert look(frames).sound == pytest.approx(18 / 20)
    assert look(frames, missing=4).sound == pytest.approx(18 / 24)


def test_a_video_lasts_from_its_first_frame_to_its_last() -> None:
    assert look(drifting(21), fps=40.0).video_s == pytest.approx(0.5)
    assert look(drifting(21), fps=None).video_s is None


def test_of_a_black_video_nothing_changes_moves_or_contrasts() -> None:
    black = look(grey(0, 0, 0, 0))
    assert (black.lit, black.contrast, black.moves, black.changing) == (0, 0, 0, 0)
    # As dark as the black beside a sector after JPEG, though it flickers.
    assert look(grey(0, 7, 0, 7)).changing == 0


def test_a_single_frame_does_not_move() -> None:
    assert look(grey(100)).moves == 0


def test_what_is_brighter_than_the_black_beside_a_sector_is_lit() -> None:
    frames = grey(4, 4)
    frames[:, :7] = 5
    assert look(frames).lit == 0.25


def test_contrast_is_between_the_tenths_of_what_is_lit() -> None:
    frames = grey(50, 50)
    frames[:, :3], frames[:, 3:6], frames[:, 25:] = 20, 90, 0  # 3 of 25 rows, 3 rows, black
    assert look(frames).contrast == pytest.approx(70)
    frames[:, 2], frames[:, 5] = 50, 50  # 2 of 25 rows are no tenth
    assert look(frames).contrast == 0


def test_a_share_that_changes_is_of_the_brightness() -> None:
    # Mean 60 and standard deviation 20 grey levels; 8 are added to the brightness.
    signals = look(grey(40, 80, 40, 80))
    assert signals.changing == pytest.approx(20 / 68, rel=1e-5)
    mean, sd = signals.picture.reshape(2, -1)
    assert mean == pytest.approx(np.log1p(60 / 4))
    assert sd == pytest.approx(np.log1p(20 / 4))


def test_change_counts_where_a_twentieth_of_the_lit_cells_reach_it() -> None:
    frames = grey(60, 60)
    frames[0, :2], frames[1, :2] = 40, 80  # one of 14 rows of cells
    assert look(frames).changing == pytest.approx(20 / 68, rel=1e-5)
    frames[:, :2, 16:] = 60  # 8 of 196 cells are left
    assert look(frames).changing == pytest.approx(0, abs=1e-5)


def test_motion_is_what_lasts_beyond_noise() -> None:
    # Variance 200, and half the mean squared step is 50.
    assert look(grey(40, 50, 60, 70, 80)).moves == pytest.approx(np.sqrt(150), rel=1e-5)
    assert look(grey(40, 80, 40, 80, 40)).moves == 0


def test_a_frame_that_is_shown_again_does_not_make_noise_last() -> None:
    assert look(np.repeat(grey(40, 80, 40, 80), 3, axis=0)).moves == 0


def test_motion_counts_where_a_tenth_of_the_cells_reach_it() -> None:
    frames = grey(40, 50, 60, 70, 80)
    frames[:, 4:] = 60  # two of 14 rows of cells are left
    assert look(frames).moves == pytest.approx(np.sqrt(150), rel=1e-5)
    frames[:, 2:] = 60
    assert look(frames).moves == pytest.approx(0, abs=1e-3)


def test_statistics_are_mean_and_deviation_by_colour_and_colourfulness() -> None:
    frames = np.zeros((2, 28, 28, 3), np.uint8)
    frames[0], frames[1] = (10, 20, 60), (30, 20, 40)
    assert look(frames).statistics.tolist() == [20, 20, 50, 10, 0, 10, (50 + 20) / 2]


def test_clips_add_their_spread_and_their_mean_embedding() -> None:
    signals = look(grey(40, 80))
    seen = np.array([[0, 2], [4, 4]], np.float32)
    both = signals.with_clips(np.array([50, 54], np.float32), seen)
    assert both.clip_sd == pytest.approx(np.sqrt(8))
    assert both.embedding.tolist() == [2, 3]
    one = signals.with_clips(np.array([50], np.float32), seen[1:])
    assert (one.clip_sd, one.embedding.tolist()) == (None, [4, 4])
    assert (signals.clip_sd, signals.embedding) == (None, None)
