from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeecho_train.phantom.cardiac_cycle import (
    SHORTEST_RR_S,
    Rhythm,
    draw_rr,
    end_frames,
    volume_curve,
)

beats = st.lists(st.floats(SHORTEST_RR_S, 2.0), min_size=1, max_size=6).map(tuple)
fractions = st.floats(0.1, 0.8)
kicks = st.sampled_from([0.0, 0.15, 0.25])


@given(beats, fractions, kicks)
def test_volume_stays_between_its_ends_and_every_beat_reaches_both(rr, ef, kick):
    curve = volume_curve(rr, ef, kick)
    volumes = curve.volume(np.linspace(0, sum(rr), 4000))
    assert volumes.max() <= 1 + 1e-12
    assert volumes.min() >= 1 - ef - 1e-12
    onset = 0.0
    for interval in rr:
        beat = curve.volume(np.arange(onset, onset + interval, 1e-3))
        assert beat.max() == pytest.approx(1, abs=1e-12)
        assert beat.min() == pytest.approx(1 - ef, abs=1e-12)
        onset += interval


@pytest.mark.slow
@given(beats, fractions, kicks)
def test_volume_is_continuous_and_its_rate_is_its_derivative(rr, ef, kick):
    curve = volume_curve(rr, ef, kick)
    assert np.all(np.diff(curve.knots_s) > 0.015), "a segment this short would be a jump"
    time = np.linspace(0, sum(rr), 20_000)
    step = time[1] - time[0]
    middle = (time[1:] + time[:-1]) / 2
    slopes = np.diff(curve.volume(time)) / step
    steepest = np.abs(curve.rate(time)).max()
    # Only where the curve bends at a knot does the slope of a chord differ.
    assert np.abs(slopes - curve.rate(middle)).max() < 0.05 * steepest


@pytest.mark.slow
@given(
    st.floats(45, 130),
    st.sampled_from([0.0, 0.2]),
    st.sampled_from([0.0, 0.3]),
    st.floats(25, 80),
    st.floats(0, 1),
    fractions,
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=200)
def test_a_clip_of_one_longest_beat_meets_both_ends(rate, kick, early, fps, phase, ef, seed):
    rng = np.random.default_rng(seed)
    sinus, fibrillation = Rhythm(rate, 0.05, kick, early), Rhythm(max(60.0, rate), 0.25, 0.0)
    rhythm = sinus if kick else fibrillation
    frames = int(np.ceil(rhythm.longest_rr_s * fps)) + 2
    rr = draw_rr(rng, rhythm, frames / fps)
    volumes = volume_curve(rr, ef, kick).volume(phase * rr[0] + np.arange(frames) / fps)
    diastole, systole = end_frames(volumes, ef)
    assert volumes[diastole] == pytest.approx(1, abs=1e-9)
    assert volumes[systole] == pytest.approx(1 - ef, abs=1e-9)


def test_systolic_intervals_follow_weissler():
    curve = volume_curve((60 / 70,), 0.6, 0.2)
    pep, lvet = curve.knots_s[1], curve.knots_s[2] - curve.knots_s[1]
    assert pep == pytest.approx(0.131 - 0.0004 * 70)
    assert lvet == pytest.approx(0.413 - 0.0017 * 70)


def test_fibrillation_scatters_the_beats():
    rng = np.random.default_rng(0)
    regular = np.array(draw_rr(rng, Rhythm(75, 0.03, 0.2), 200.0))
    irregular = np.array(draw_rr(rng, Rhythm(75, 0.22, 0.0), 200.0))
    assert regular.std() / regular.mean() < 0.04
    assert 0.15 < irregular.std() / irregular.mean() < 0.25
    assert irregular.min() >= SHORTEST_RR_S


def test_the_pause_after_a_premature_beat_makes_up_for_it():
    rr = np.array(draw_rr(np.random.default_rng(0), Rhythm(60, 0.0, 0.2, premature=0.2), 300.0))
    early = np.flatnonzero(rr < 0.9)
    assert 0.1 < len(early) / len(rr) < 0.3
    assert rr[early] + rr[early + 1] == pytest.approx(2.0)
    assert rr.max() <= Rhythm(60, 0.0, 0.2, premature=0.2).longest_rr_s


def test_frames_without_systole_are_refused():
    with pytest.raises(ValueError, match="end systole"):
        end_frames(np.array([1.0, 1.0, 0.9]), 0.5)
