from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeecho.preprocess.resampling import resample_places


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
