from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeecho.preprocess.resampling import count_resampled, find_gaps, places_at, resample_places


def test_equal_rates_are_every_frame_once() -> None:
    assert (resample_places(np.arange(60) / 50, 50) == np.arange(60)).all()


@given(
    fps=st.sampled_from([25, 29.97, 30, 48, 50, 51.3, 59.94, 60, 72, 80]), count=st.integers(1, 400)
)
def test_stamps_in_whole_milliseconds_are_still_every_frame_once(fps: float, count: int) -> None:
    stamps = np.round(np.arange(count) / fps, 3)
    assert (resample_places(stamps, fps) == np.arange(count)).all()


def test_half_the_rate_is_every_second_frame() -> None:
    assert (resample_places(np.arange(60) / 50, 25) == np.arange(0, 60, 2)).all()


def test_twice_the_rate_is_every_frame_twice() -> None:
    places = resample_places(np.arange(60) / 25, 50)
    assert (places == np.repeat(np.arange(60), 2)[:-1]).all()


@given(
    fps=st.floats(15, 150),
    target=st.floats(20, 80),
    count=st.integers(2, 120),
    jitter=st.floats(0, 0.4),
    seed=st.integers(0, 9),
)
def test_no_other_frame_is_clearly_nearer_in_time(
    fps: float, target: float, count: int, jitter: float, seed: int
) -> None:
    steps = 1 + jitter * np.random.default_rng(seed).uniform(-1, 1, count - 1)
    stamps = np.concatenate([[0], np.cumsum(steps)]) / fps
    places = resample_places(stamps, target)
    times = np.arange(len(places)) / target
    # They cover the old frames' time and no more.
    assert stamps[-1] - 1 / target < times[-1] <= stamps[-1] + 0.05 / target + 1e-9
    away = np.abs(stamps[places] - times)
    nearest = np.abs(stamps[:, None] - times).min(axis=0)
    assert (away <= nearest + 0.11 * steps.max() / fps).all()
    assert (np.diff(places) >= 0).all()


def stamps(*gaps: tuple[int, float]) -> np.ndarray:
    """40 frames at 10 frames/s; what follows frame `after` comes `by` s later than it should."""
    times = np.arange(40) / 10
    for after, by in gaps:
        times[after + 1 :] += by
    return times


def test_a_gap_is_what_lies_beyond_a_step_and_a_half_on_either_side() -> None:
    # Steps are 0.1 s at both rates, so 0.3 s are none.
    assert find_gaps(stamps((9, 0.2)), 10.0, 10) is None
    found = find_gaps(stamps((9, 0.9)), 10.0, 10)
    assert found is not None
    assert found.longest_s == pytest.approx(1.0)
    assert found.after_s == pytest.approx(0.9)
    # 0.7 s of nothing: 7 frames, all of them within a clip of 10.
    assert (found.frames, found.frames_in_clip) == (7, 7)
    few = find_gaps(stamps((9, 0.9)), 10.0, 5)
    assert few is not None
    assert (few.frames, few.frames_in_clip) == (7, 5)


def test_at_a_slower_rate_a_step_is_longer() -> None:
    # At 5 frames/s a step is 0.2 s: 0.6 s are no gap, of 1 s 0.4 s are one.
    assert find_gaps(stamps((9, 0.5)), 5.0, 10) is None
    found = find_gaps(stamps((9, 0.9)), 5.0, 10)
    assert found is not None
    assert (found.frames, found.frames_in_clip) == (2, 2)


def test_of_several_gaps_the_emptiest_clip_counts() -> None:
    # Empty for 0.3 s each; the second and the third begin 0.7 s apart.
    found = find_gaps(stamps((5, 0.5), (20, 0.5), (22, 0.5)), 10.0, 10)
    assert found is not None
    assert found.longest_s == pytest.approx(0.6)
    assert found.after_s == pytest.approx(0.5)
    assert (found.frames, found.frames_in_clip) == (9, 6)
    apart = find_gaps(stamps((5, 0.5), (20, 0.5), (22, 0.5)), 10.0, 8)
    assert apart is not None
    assert apart.frames_in_clip == 4


def test_without_a_step_there_is_no_gap() -> None:
    assert find_gaps(np.zeros(1), 50.0, 63) is None
    assert find_gaps(np.zeros(0), 50.0, 63) is None


def test_frames_are_counted_to_the_last_stamp() -> None:
    assert [count_resampled(np.array([0, last]), 50.0) for last in (0, 0.02, 0.0389, 0.04)] == [
        1, 2, 2, 3,
    ]  # fmt: skip


def test_places_are_numbered_from_the_first_frame_that_is_there() -> None:
    times = np.array([0.0, 0.0109, 0.0111, 0.02, 0.5])  # up to 0.55 of a step
    assert places_at(times, np.array([0, 0.02, 0.04])).tolist() == [0, 0, 1, 1, 2]
    assert places_at(times, np.array([0, 0.02, 0.04]), first=7).tolist() == [7, 7, 8, 8, 9]
