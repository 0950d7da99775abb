"""Time and picture that no scanner records: what is measured of them, and the gates that refuse."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeecho.cine import Cine, read_cine
from edgeecho.preprocess import PreprocessSpec, VideoFacts, prepare
from edgeecho.trust import ShapeSignals, Signals, TimeSignals, measure, refuse
from edgeecho.trust.plausible_gates import PLAUSIBLE

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from fault_videos import Video
from wrong_videos import DEVELOPMENT, REPORTED, UNSEEABLE

SPEC = PreprocessSpec((32, 32, 32), (48, 48, 48), training_fps=50.0, time="native")


def look(video: Video) -> Signals:
    stamps = np.arange(len(video.frames)) / video.fps
    cine = Cine(np.ascontiguousarray(video.frames), stamps, video.fps, "container", "avi", "MJPG")
    prepared = prepare(cine, SPEC)
    return measure(cine, prepared, VideoFacts.of(cine, prepared, SPEC), SPEC)


def gates(video: Video) -> set[str]:
    return {refusal.gate for refusal in refuse(look(video), None)} & set(PLAUSIBLE)


@pytest.fixture(scope="module")
def clean(phantoms: Path) -> Video:
    cine = read_cine(min((phantoms / "Videos").iterdir()))
    assert cine.fps is not None
    return Video(cine.frames, cine.fps, None)


SEEN = {
    "frames-out-of-order": ["frames shuffled"],
    "to-and-fro": ["to and fro"],
    "blended-frames": ["interpolated", "slowed, blended"],
    "repeated-frames": ["repeated", "half of the time frozen"],
    "inverted": ["grey inverted"],
    "flickering": ["a still that flickers"],
    "squeezed": ["squeezed", "stretched"],
    "cut": ["pieces in another order"],
    "lopsided": [
        "half of the sector black",
        "a quarter of the sector black",
        "two hearts in one picture",
    ],
}
"""By gate, faults of development that it sees without calibration."""


def test_a_clean_video_is_plausible(clean: Video) -> None:
    assert gates(clean) == set()


@pytest.mark.parametrize(("gate", "fault"), [(g, f) for g, faults in SEEN.items() for f in faults])
def test_a_fault_is_refused_by_its_gate(clean: Video, gate: str, fault: str) -> None:
    made = DEVELOPMENT[fault](clean, np.random.default_rng(1))
    assert made is not None
    assert gate in gates(made)


def test_what_is_reported_has_other_parameters_than_what_was_developed_on() -> None:
    def words(table: dict[str, object]) -> set[str]:
        return {repr(make) for make in table.values()}

    assert not words(DEVELOPMENT) & words(REPORTED)  # type: ignore[arg-type]
    assert not set(REPORTED) & set(UNSEEABLE)


def test_the_arrow_of_time_turns_with_the_video(clean: Video) -> None:
    forwards = TimeSignals.of(clean.frames, clean.fps)
    backwards = TimeSignals.of(clean.frames[::-1], clean.fps)
    assert forwards is not None
    assert backwards is not None
    assert np.abs(forwards.arrow).max() > 0.05
    np.testing.assert_allclose(backwards.arrow, forwards.reversed_arrow, atol=1e-3)
    assert backwards.disorder == pytest.approx(forwards.disorder, abs=0.1)


def test_too_few_pictures_and_an_unknown_rate_tell_nothing_of_time(clean: Video) -> None:
    assert TimeSignals.of(clean.frames, None) is None
    assert TimeSignals.of(clean.frames[:23], 50.0) is None
    assert TimeSignals.of(np.repeat(clean.frames[:23], 2, axis=0), 50.0) is None


def test_a_jump_is_as_large_as_the_change_around_the_mean_picture() -> None:
    frames = noise(1).repeat(60, axis=0)
    frames[30:] = noise(2)[1]
    frames ^= np.random.default_rng(3).integers(0, 4, frames.shape, dtype=np.uint8)
    found = TimeSignals.of(frames, 50.0)
    assert found is not None
    # Two places as far apart, half of the frames at each: twice the distance from their mean.
    assert found.jump == pytest.approx(2, abs=0.05)


def noise(count: int) -> np.ndarray:
    grey = np.random.default_rng(2).integers(0, 200, (count, 30, 30, 1), dtype=np.uint8)
    return np.repeat(grey, 3, axis=3)


def test_of_noise_as_many_frames_are_like_the_next_as_like_the_third() -> None:
    found = TimeSignals.of(noise(200), 50.0)
    assert found is not None
    assert found.disorder == pytest.approx(0.5, abs=0.1)
    assert found.turn == pytest.approx(1, abs=0.2)
    assert np.abs(found.arrow).max() < 0.1


def test_means_of_neighbours_recur_at_one_frequency() -> None:
    frames = noise(101)
    frames[1:-1:2] = (frames[:-2:2].astype(int) + frames[2::2]) // 2
    found = TimeSignals.of(frames, 50.0)
    assert found is not None
    assert found.comb > 0.9


def sector(
    aspect: float = 1.0, half_angle: float = 40.0, tip: int = 56, radius: int = 90
) -> np.ndarray:
    """Its grey, `(112, 112)`."""
    y, x = np.indices((112, 112)).astype(float)
    x, y = (x - tip) / aspect, y - 6
    inside = (np.hypot(x, y) < radius) & (np.degrees(np.arctan2(np.abs(x), y)) < half_angle)
    return (80 * inside).astype(np.float32)


@pytest.mark.parametrize("aspect", [0.6, 0.7, 0.85, 1.0])
@pytest.mark.parametrize("half_angle", [32.0, 40.0])
def test_an_arc_shows_how_far_a_picture_was_squeezed(aspect: float, half_angle: float) -> None:
    found = ShapeSignals.of(sector(aspect, half_angle))
    assert found is not None
    assert found.aspect == pytest.approx(aspect, abs=0.04)
    assert found.lopsided < 0.02
    # Sides lean as far as the squeeze makes them.
    leaning = math.degrees(math.atan(aspect * math.tan(math.radians(half_angle))))
    assert found.half_angle == pytest.approx(leaning, abs=1)


def test_without_an_arc_nobody_knows() -> None:
    long = ShapeSignals.of(sector(radius=300))
    assert long is not None
    assert long.aspect is None


def test_dark_chambers_do_not_change_the_shape() -> None:
    whole = sector()
    hollow = whole.copy()
    cv2.circle(hollow, (50, 50), 14, 0, -1)
    assert ShapeSignals.of(hollow) == ShapeSignals.of(whole)


def test_a_letter_beside_the_sector_is_not_its_tip() -> None:
    plain = sector()
    labelled = plain.copy()
    labelled[2:7, 78:100:4] = labelled[2:7, 79:100:4] = 80
    found, usual = ShapeSignals.of(labelled), ShapeSignals.of(plain)
    assert found is not None
    assert usual is not None
    assert found.lopsided < 0.1
    assert found.aspect == pytest.approx(usual.aspect, abs=0.03)


def test_a_missing_side_and_a_second_sector_are_lopsided() -> None:
    half = sector()
    half[:, 57:] = 0
    found = ShapeSignals.of(half)
    assert found is not None
    assert found.lopsided > 0.8
    small = cv2.resize(sector(), (56, 56))
    two = ShapeSignals.of(np.hstack([np.vstack([small, small * 0])] * 2))
    assert two is not None
    assert two.lopsided > 0.3


def test_nothing_lit_has_no_shape() -> None:
    assert ShapeSignals.of(np.zeros((112, 112), np.float32)) is None
