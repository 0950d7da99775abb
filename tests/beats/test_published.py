"""The published rule: held to scipy, and to a plain re-implementation of all of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeecho.beats.peaks import find_peaks
from edgeecho.beats.published import clip_start, ef_of, systoles

signal = pytest.importorskip("scipy.signal")


def reference(sizes: NDArray[np.int64], clip_efs: dict[int, float]) -> tuple[list[int], float]:
    """Step by step as the method is described, with scipy; fails below six frames."""
    ordered = sorted(sizes.tolist())
    low = ordered[round(len(ordered) ** 0.05)]
    high = ordered[round(len(ordered) ** 0.95)]
    found, _ = signal.find_peaks(-sizes, distance=20, prominence=0.5 * (high - low))
    joined = []
    for systole in found.tolist():
        start = systole - 32 if systole > 32 else 0
        if start in clip_efs:
            joined.append(clip_efs[start])
    return found.tolist(), float(np.mean(joined)) if joined else float("nan")


def curves() -> Iterator[NDArray[np.int64]]:
    """Area curves of every kind, 300 of them; seeded."""
    rng = np.random.default_rng(21)
    for _ in range(60):
        n = int(rng.integers(6, 400))
        t = np.arange(n)
        beat = 1500 + 400 * np.cos(2 * np.pi * t / rng.uniform(12, 70) + rng.uniform(0, 6))
        yield np.round(beat + rng.normal(0, rng.choice([0, 3, 30, 120]), n)).astype(np.int64)
        # Plateaus and ties: coarse steps.
        yield (np.round(beat / 100) * 100).astype(np.int64)
        yield rng.integers(0, int(rng.integers(1, 5)), n)
        yield np.cumsum(rng.integers(-2, 3, n)) + 900
        yield np.repeat(rng.integers(0, 9, n), rng.integers(1, 9))[:n]


CORNERS = {
    "constant": [7] * 40,
    "six": [5, 4, 3, 4, 5, 5],
    "falls to the last frame": list(range(60, 0, -1)),
    "rises from the first": list(range(60)),
    "lowest at both ends": [0, *[9] * 40, 0],
    "a plateau that touches the end": [9] * 30 + [1] * 30,
    "a plateau of even length": [9] * 20 + [1] * 4 + [9] * 20,
    "two equal systoles 19 apart": [9] * 20 + [1] + [9] * 18 + [1] + [9] * 20,
    "two equal systoles 20 apart": [9] * 20 + [1] + [9] * 19 + [1] + [9] * 20,
    "three equal systoles 15 apart": ([9] * 14 + [1]) * 3 + [9] * 20,
    "exactly half as prominent": [10] * 20 + [0] + [10] * 25 + [5] + [10] * 25 + [0] + [10] * 30,
    "no mask anywhere": [0] * 50,
    "one mask": [0] * 20 + [3] + [0] * 20,
}


def check(sizes: NDArray[np.int64]) -> None:
    # Every clip of 32 frames, every second one, that the video has room for.
    clip_efs = {start: 40.0 + start / 7 for start in range(max(len(sizes) - 62, 0))}
    frames, ef = reference(sizes, clip_efs)
    assert systoles(sizes).tolist() == frames
    ours = [found for f in frames if (found := ef_of(f, clip_efs)) is not None]
    assert (np.mean(ours) if ours else float("nan")) == pytest.approx(ef, nan_ok=True, abs=0)


@pytest.mark.slow
def test_300_area_curves_have_the_systoles_and_the_ef_of_the_reference() -> None:
    beats = 0
    for sizes in curves():
        check(sizes)
        beats += len(systoles(sizes))
    assert beats > 1000


@pytest.mark.parametrize("name", CORNERS)
def test_corner_cases(name: str) -> None:
    check(np.array(CORNERS[name]))


@pytest.mark.slow
@given(st.lists(st.integers(0, 6), min_size=6, max_size=150))
def test_any_curve(sizes: list[int]) -> None:
    check(np.array(sizes))


@pytest.mark.slow
@settings(max_examples=300)
@given(
    st.lists(st.integers(-4, 4) | st.floats(-4, 4), max_size=120),
    st.floats(1, 40),
    st.floats(0, 5),
)
def test_peaks_are_those_of_scipy(curve: list[float], distance: float, prominence: float) -> None:
    found = find_peaks(curve, distance=np.ceil(distance), prominence=prominence)
    expected, _ = signal.find_peaks(
        np.array(curve, float), distance=distance, prominence=prominence
    )
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("count", range(6))
def test_where_the_published_code_fails_there_are_no_beats(count: int) -> None:
    sizes = np.arange(count)
    with pytest.raises(IndexError):
        reference(sizes, {})
    assert systoles(sizes).tolist() == []


def test_a_beat_is_answered_by_the_clip_that_begins_32_frames_before_its_systole() -> None:
    assert [clip_start(frame) for frame in (0, 31, 32, 33, 100)] == [0, 0, 0, 1, 68]
    assert [ef_of(f, {0: 50.0, 8: 60.0}) for f in (10, 40, 90)] == [50.0, 60.0, None]


def test_sums_of_bits_have_no_sign_and_the_same_systoles() -> None:
    areas = np.rint(500 + 100 * np.cos(np.arange(150) / 8)).astype(np.int64)
    assert len(systoles(areas)) == 3
    assert np.array_equal(systoles(areas.astype(np.uint64)), systoles(areas))
