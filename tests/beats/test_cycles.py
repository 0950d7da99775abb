"""ED and ES of area curves at every rate, in every rhythm, with bad masks."""

from __future__ import annotations

import numpy as np
import pytest
from beating import emptied
from numpy.typing import NDArray

from edgeecho.beats.curve import AreaCurve, curve_of
from edgeecho.beats.cycles import Cycle, find_cycles

FULL, EMPTY = 0.06, 0.36
"""When the plateaus of ED and ES end, in s after a beat's onset (`beating.emptied`)."""


def areas_at(seconds: NDArray[np.float64], onsets: list[float]) -> NDArray[np.float64]:
    return np.round(1500 * (1 - 0.35 * emptied(seconds, onsets)))


def times(curve: AreaCurve) -> list[tuple[float | None, float | None]]:
    """ED and ES of every beat in s."""
    at = curve.seconds.tolist()
    return [
        (None if cycle.ed is None else at[cycle.ed], None if cycle.es is None else at[cycle.es])
        for cycle in find_cycles(curve)
    ]


def check(curve: AreaCurve, onsets: list[float], within: float) -> None:
    """Exactly the beats that begin at `onsets`, each within `within` s."""
    expected = np.array([(onset + FULL, onset + EMPTY) for onset in onsets])
    np.testing.assert_allclose(np.array(times(curve), float), expected, atol=within)


@pytest.mark.parametrize("fps", [15, 20, 25, 30, 50, 80, 120])
@pytest.mark.parametrize("bpm", [30, 60, 105])
def test_every_beat_is_found_at_every_rate(fps: int, bpm: int) -> None:
    onsets = [0.1 + 60 / bpm * beat for beat in range(4)]
    seconds = np.arange(0, onsets[-1] + 0.56, 1 / fps)
    # A frame, and what the plateau's tolerance adds.
    check(curve_of(areas_at(seconds, onsets), seconds), onsets, 1 / fps + 0.025)


@pytest.mark.parametrize("fps", [25, 30, 50, 120])
def test_200_beats_a_minute(fps: int) -> None:
    seconds = np.arange(0, 3, 1 / fps)
    beat = 1500 * (0.8 + 0.2 * np.cos(2 * np.pi * seconds / 0.3))
    found = times(curve_of(np.round(beat), seconds))
    # The first begins with the video, and so its ED is not seen to be one.
    assert [place for place, ends in enumerate(found) if None in ends] in ([0], [0, len(found) - 1])
    whole = np.array(found[1:9], float)
    assert whole[:, 0] == pytest.approx(0.3 * np.arange(1, 9), abs=0.045)
    assert whole[:, 1] == pytest.approx(0.15 + 0.3 * np.arange(1, 9), abs=0.045)


@pytest.mark.slow
@pytest.mark.parametrize("fps", [15, 20, 25])
@pytest.mark.parametrize("bpm", [120, 160, 200])
def test_fast_hearts_are_found_at_low_frame_rates(fps: int, bpm: int) -> None:
    rng = np.random.default_rng(bpm + fps)
    interval = 60 / bpm
    # As long as the beat is, without rest before the next.
    slower = 0.54 / interval
    found = expected = 0
    for _ in range(20):
        seconds = (np.arange(5 * fps) + rng.random()) / fps
        onsets = np.arange(0.1, 4.4, interval)
        areas = areas_at(seconds * slower, (onsets * slower).tolist())
        curve = curve_of(areas * (1 + rng.normal(0, 0.004, len(areas))), seconds)
        assert not curve.jumps
        ends = np.array([pair for pair in times(curve) if None not in pair], float)
        truth = np.stack([onsets + FULL / slower, onsets + EMPTY / slower], axis=1)
        apart = np.abs(ends[None] - truth[:, None]).max(axis=2).min(axis=1)
        found += int(np.sum(apart < 1.5 / fps))
        expected += len(onsets)
    assert found >= 0.97 * expected


def test_frame_times_may_be_uneven() -> None:
    rng = np.random.default_rng(4)
    onsets = [0.2, 0.9, 1.6, 2.3]
    seconds = np.cumsum(rng.uniform(0.01, 0.04, 115))
    check(curve_of(areas_at(seconds, onsets), seconds), onsets, 0.06)


def test_no_period_is_assumed() -> None:
    onsets = [0.2, 0.76, 2.3, 2.9, 3.5, 4.7]
    seconds = np.arange(270) / 50
    check(curve_of(areas_at(seconds, onsets), seconds), onsets, 0.045)


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [0.0, 300.0, 1000.0, 2500.0, np.nan])
def test_one_bad_mask_changes_no_beat_by_more_than_two_frames(wrong: float) -> None:
    onsets = [0.2, 1.0, 1.8]
    seconds = np.arange(125) / 50
    clean = areas_at(seconds, onsets)
    for frame in (0, *range(1, 124, 3), 124):
        areas = clean.copy()
        areas[frame] = wrong
        curve = curve_of(areas, seconds)
        check(curve, onsets, 0.065)
        far = not abs(wrong - clean[frame]) <= 60
        assert not far or all(frame not in (cycle.ed, cycle.es) for cycle in find_cycles(curve))


def test_bad_masks_that_follow_one_another_at_a_low_rate_are_no_beat() -> None:
    onsets = [0.2, 1.2, 2.2]
    seconds = np.arange(75) / 25
    areas = areas_at(seconds, onsets)
    areas[[20, 21, 44, 45]] = 200, 300, 3000, 2500
    check(curve_of(areas, seconds), onsets, 0.06)


def test_beats_at_the_ends_are_partial() -> None:
    seconds = np.arange(100) / 50
    # The video begins in ejection and ends in another.
    begun, whole, ending = times(curve_of(areas_at(seconds, [-0.15, 0.8, 1.8]), seconds))
    assert begun == (None, pytest.approx(0.21, abs=0.03))
    assert whole == (pytest.approx(0.86, abs=0.03), pytest.approx(1.16, abs=0.03))
    assert ending == (pytest.approx(1.86, abs=0.03), None)


@pytest.mark.parametrize("onset", [-0.3, -0.33])
def test_a_video_that_begins_empty_has_no_beat_there(onset: float) -> None:
    seconds = np.arange(100) / 50
    found = times(curve_of(areas_at(seconds, [onset, 0.8]), seconds))
    assert [ends for ends in found if None not in ends] == [
        (pytest.approx(0.86, abs=0.03), pytest.approx(1.16, abs=0.03))
    ]


def test_a_beat_that_empties_less_than_the_others_is_found() -> None:
    seconds = np.arange(150) / 50
    areas = areas_at(seconds, [0.2, 2.0])
    early = np.round(1500 * 0.35 * 0.5 * emptied(seconds, [1.0]))
    check(curve_of(areas - early, seconds), [0.2, 1.0, 2.0], 0.045)


def test_a_dip_in_diastole_is_no_beat() -> None:
    seconds = np.arange(150) / 50
    areas = areas_at(seconds, [0.2, 1.6])
    dip = np.round(1500 * 0.35 * 0.25 * emptied(seconds, [0.9]))
    check(curve_of(areas - dip, seconds), [0.2, 1.6], 0.045)


@pytest.mark.parametrize("fps", [15, 50, 120])
@pytest.mark.parametrize("sd", [0.03, 0.1, 0.5])
def test_noise_jumps_and_beats_do_not(fps: int, sd: float) -> None:
    rng = np.random.default_rng(fps)
    seconds = np.arange(4 * fps) / fps
    noise = curve_of(1000 * (1 + rng.normal(0, sd, len(seconds))), seconds)
    assert noise.jumps
    beat = areas_at(seconds, [0.2, 1.2, 2.2, 3.2]) * (1 + rng.normal(0, 0.01, len(seconds)))
    assert not curve_of(beat, seconds).jumps


def test_still_is_what_changes_by_less_than_two_and_a_half_percent() -> None:
    seconds = np.arange(150) / 50
    assert curve_of(np.full(150, 900.0), seconds).still
    assert curve_of(1000 - 20 * emptied(seconds, [0.2, 1.6]), seconds).still
    assert not curve_of(1000 - 30 * emptied(seconds, [0.2, 1.6]), seconds).still


@pytest.mark.parametrize("count", range(1, 6))
def test_the_shortest_videos_have_no_whole_beat(count: int) -> None:
    areas = np.array([900.0, 700, 500, 700, 900])[:count]
    cycles = find_cycles(curve_of(areas, np.arange(count) / 50))
    assert all(cycle.ed is None or cycle.es is None for cycle in cycles)
    assert Cycle(None, None) not in cycles
