"""Every threshold of the motion on both sides, on frames whose distances are known numbers."""

from __future__ import annotations

import numpy as np
import pytest

from edgeecho.preprocess.motion import Motion, find_motion


def look(points: np.ndarray, fps: float | None = 50.0) -> Motion:
    """Motion of frames that lie at `points` `(T, d)`: the distance of two is that of their points.

    A coordinate is the green of one pixel of each 3x3; all that is not looked at is noise.
    """
    count, d = points.shape
    side = int(np.ceil(np.sqrt(d)))
    frames = np.random.default_rng(0).integers(
        0, 256, (count, 3 * side, 3 * side, 3), dtype=np.uint8
    )
    seen = np.zeros((count, side * side))
    seen[:, :d] = points
    assert seen.min() >= 0
    assert seen.max() <= 255
    frames[:, ::3, ::3, 1] = np.rint(seen).reshape(count, side, side)
    return find_motion(frames, fps)


def line(*places: float) -> np.ndarray:
    return np.array(places)[:, None]


def test_frames_closer_than_a_fiftieth_of_the_usual_step_are_repeated() -> None:
    there_and_back = [0, 100] * 4
    assert look(line(*there_and_back, 0, 2, 100)).repeated == (9,)
    assert look(line(*there_and_back, 0, 3, 100)).repeated == ()


def test_the_smallest_step_in_a_bright_picture_is_a_step() -> None:
    points = np.full((40, 1000), 200.0)
    points[:, 0] += np.arange(40) % 2
    assert look(points).repeated == ()
    points[9:] = points[8:-1].copy()
    assert look(points).repeated == (9,)


def moving(count: int, *off: tuple[int, int]) -> np.ndarray:
    """10 further in each frame, and in some frames so much aside."""
    points = np.zeros((count, 2))
    points[:, 0] = 10 * np.arange(count)
    for frame, aside in off:
        points[frame, 1] = aside
    return points


@pytest.mark.parametrize(
    ("frame", "inside", "beyond"),
    [
        (5, 38, 39),  # its neighbours are 20 apart: sqrt(10^2 + 39^2) is more than twice that
        (0, 28, 29),  # the two nearest are 10 apart; at the ends half as much again: 30
        (11, 28, 29),
    ],
)
def test_a_frame_twice_as_far_from_two_as_they_are_from_each_other_is_odd(
    frame: int, inside: int, beyond: int
) -> None:
    assert look(moving(12, (frame, inside))).odd == ()
    assert look(moving(12, (frame, beyond))).odd == (frame,)


def test_between_frames_that_stand_still_the_usual_step_is_the_measure() -> None:
    points = moving(20)
    points[8:11] = points[8]  # one of which may be odd by 2 usual steps of 10
    for aside, odd in ((20, ()), (21, (9,))):
        points[9, 1] = aside
        assert look(points).odd == odd


def test_one_and_two_frames_are_never_odd() -> None:
    assert look(line(7)) == Motion((), (), None)
    assert look(line(0, 200)) == Motion((), (), None)
    assert look(line(7, 7)) == Motion((1,), (), None)


def test_the_first_thousand_frames_are_looked_at() -> None:
    points = line(*[0, 100] * 500, 0)
    assert look(points, None).repeated == ()
    points[[999, 1000]] = points[998], points[999]
    assert look(points, None).repeated == (999,)


def circle(period: float, count: int, radius: float = 100.0) -> np.ndarray:
    """Once around in `period` frames."""
    turn = 2 * np.pi * np.arange(count) / period
    return 101 + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def flashes(period: int, count: int) -> np.ndarray:
    """Frames that are all alike far apart, but for those that lie whole beats apart: the same."""
    return 100.0 * np.eye(period)[np.arange(count) % period]


@pytest.mark.parametrize(
    ("period", "count", "bpm"),
    [
        (15, 200, 200),  # the fastest; of a faster one the second beat is found
        (14, 200, 3000 / 28),
        (84, 200, 3000 / 84),  # the slowest: 35 beats/min are 85.7 frames, and a dip has two sides
        (85, 200, None),
        (79, 100, 3000 / 79),  # and it must come again within four fifths of the video
        (80, 100, None),
    ],
)
def test_a_heart_beats_35_to_200_times_a_minute(period: int, count: int, bpm: float | None) -> None:
    found = look(flashes(period, count)).heart_rate_bpm
    assert found == (None if bpm is None else pytest.approx(bpm))


def test_two_frames_are_the_shortest_beat_at_any_rate() -> None:
    assert look(circle(2.5, 40), 4.0).heart_rate_bpm == pytest.approx(60 * 4 / 2.5, rel=0.1)
    assert look(circle(20, 2), 50.0).heart_rate_bpm is None


def test_a_period_between_two_frames_is_refined() -> None:
    assert look(circle(30.4, 200)).heart_rate_bpm == pytest.approx(3000 / 30.4, rel=0.001)


@pytest.mark.parametrize(("own", "beats"), [(92, True), (100, False)])
def test_a_beat_shows_where_frames_a_beat_apart_are_clearly_more_alike(
    own: int, beats: bool
) -> None:
    # What each frame has of its own adds 2 own^2 to the mean squares, of which the circle's dip is
    # 4 x 20^2: 8.6 % with 92, 7.4 % with 100.
    points = np.hstack([circle(20, 100, 20), own * np.eye(100)])
    assert (look(points).heart_rate_bpm is not None) == beats


@pytest.mark.parametrize(("other", "beat"), [(70, 20), (75, 40)])
def test_the_first_of_the_dips_that_are_nearly_as_deep_is_a_beat(other: float, beat: int) -> None:
    # Every second turn goes aside, so that two turns are more alike than one.
    points = np.hstack([circle(20, 160, 100), circle(40, 160, other)])
    assert look(points).heart_rate_bpm == pytest.approx(3000 / beat, rel=0.02)


def test_without_a_rate_of_frames_there_is_none_of_the_heart() -> None:
    assert look(circle(20, 100), None).heart_rate_bpm is None
