"""Time stamps and rate of a video, from what its container claims and what its frames say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeecho.cine.damage import Claims, Decoded
from edgeecho.cine.video import _time

CLAIMS = Claims("mkv", "h264", 4, 4, 10.0, None, None, stamped=True)
NAN = float("nan")


def look(seconds: list[float], claims: Claims = CLAIMS) -> tuple[list[float], float | None, str]:
    frames = np.zeros((len(seconds), 4, 4, 3), np.uint8)
    found = Decoded(frames, np.array(seconds), 0, 0, 0, 0, 0, 0)
    stamps, fps, source = _time(found, claims)
    return [round(float(s), 6) for s in stamps], fps, source


def test_stamps_count_from_the_first_frame() -> None:
    assert look([2.0, 2.1, 2.2]) == ([0, 0.1, 0.2], 10.0, "container")


def test_stamps_that_are_rounded_to_a_millisecond_leave_the_containers_rate() -> None:
    assert look([0, 0.1014, 0.2028])[1:] == (10.0, "container")
    assert look([0, 0.0986, 0.1972])[1:] == (10.0, "container")
    stamps, fps, source = look([0, 0.102, 0.204])
    assert (stamps, source) == ([0, 0.102, 0.204], "time stamps")
    assert fps == pytest.approx(2 / 0.204)


def test_uneven_stamps_have_their_mean_rate() -> None:
    assert look([0, 0.3, 0.4, 0.8])[1:] == (pytest.approx(3 / 0.8), "time stamps")
    # The usual step is the container's, whatever the others are.
    assert look([0, 0.1, 0.2, 0.9])[1:] == (10.0, "container")


@pytest.mark.parametrize("seconds", [[0, NAN, NAN], [0, 0, 0], [0, 0.2, 0.1], [0, 0.1, 0.1]])
def test_stamps_that_do_not_increase_give_way_to_the_rate(seconds: list[float]) -> None:
    assert look(seconds) == ([0, 0.1, 0.2], 10.0, "container")
    stamps, fps, source = look(seconds, replace(CLAIMS, fps=None))
    assert (np.isnan(stamps).all(), fps, source) == (True, None, "unknown")


def test_a_single_frame_has_the_containers_rate_or_none() -> None:
    assert look([5.0]) == ([0], 10.0, "container")
    assert look([5.0], replace(CLAIMS, fps=None))[1:] == (None, "unknown")


def test_two_frames_are_enough_for_a_rate() -> None:
    assert look([5.0, 5.5], replace(CLAIMS, fps=None)) == ([0, 0.5], 2.0, "time stamps")
    assert look([5.0, 5.5]) == ([0, 0.5], 2.0, "time stamps")


def test_a_bare_stream_has_no_stamps_of_its_own() -> None:
    bare = replace(CLAIMS, container="h26x", stamped=False)
    assert look([0, 0.04, 0.08], bare) == ([0, 0.1, 0.2], 10.0, "video stream")
    assert look([0, 0.04], replace(bare, fps=None))[1:] == (None, "unknown")


def test_an_avi_without_a_rate_has_ffmpegs_invented_stamps() -> None:
    avi = replace(CLAIMS, container="avi", fps=None)
    assert look([0, 0.04], avi)[1:] == (None, "unknown")
    assert look([0, 0.1], replace(avi, fps=10.0))[1:] == (10.0, "container")
