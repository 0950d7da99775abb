"""Limits, rectangles and the checks of a cine, each on both sides."""

from __future__ import annotations

import numpy as np
import pytest

from edgeecho.cine import Cine, DecodeLimits, Region
from edgeecho.common.errors import InputError, UsageError

LIMITS = DecodeLimits(pixels=1200, frames=10, megabytes=2)


def test_the_limits_of_a_file_are_those_of_the_documentation() -> None:
    limits = DecodeLimits()
    assert (limits.pixels, limits.frames, limits.megabytes) == (4096 * 4096, 4000, 800)


def test_a_frame_may_have_as_many_pixels_as_the_limit_and_no_more() -> None:
    LIMITS.check_size("a.avi", 30, 40)
    LIMITS.check_size("a.avi", 1, 1)
    for height, width in ((30, 41), (0, 40), (30, 0), (-30, -40), (-1, 40)):
        with pytest.raises(InputError, match=f"{width}x{height}, over the limit of 1200 pixels"):
            LIMITS.check_size("a.avi", height, width)


def test_resampling_may_make_as_many_frames_and_bytes_as_the_limits_and_no_more() -> None:
    LIMITS.check_resampled(10, 200_000)
    with pytest.raises(InputError, match="makes 11 frames of it, over the limit of 10"):
        LIMITS.check_resampled(11, 1)
    with pytest.raises(InputError, match="makes 10 frames of it, which need more than 2 MB"):
        LIMITS.check_resampled(10, 200_001)


def test_a_region_has_a_corner_in_the_image_and_an_area() -> None:
    assert Region(0, 0, 1, 1) == Region(x=0, y=0, width=1, height=1)
    for bad in ((-1, 0, 1, 1), (0, -1, 1, 1), (0, 0, 0, 1), (0, 0, 1, 0)):
        with pytest.raises(ValueError, match="expected x, y >= 0"):
            Region(*bad)


@pytest.mark.parametrize(
    ("region", "inside"),
    [
        (Region(10, 20, 30, 40), Region(10, 20, 30, 40)),
        (Region(70, 20, 30, 40), Region(70, 20, 30, 40)),
        (Region(71, 20, 30, 40), Region(71, 20, 29, 40)),
        (Region(10, 31, 30, 40), Region(10, 31, 30, 39)),
        (Region(99, 69, 5, 5), Region(99, 69, 1, 1)),
        (Region(100, 0, 5, 5), None),
        (Region(0, 70, 5, 5), None),
    ],
)
def test_of_a_region_the_part_in_the_image_is_left(region: Region, inside: Region | None) -> None:
    assert region.inside(70, 100) == inside


def test_a_stretched_region_is_rounded_outwards() -> None:
    assert Region(3, 5, 10, 10).scaled(1.0, 2.0) == Region(6, 5, 20, 10)
    assert Region(3, 5, 10, 10).scaled(1.5, 1.0) == Region(3, 7, 10, 16)
    assert Region(0, 0, 3, 3).scaled(1.1, 1.1) == Region(0, 0, 4, 4)


def cine(frames: np.ndarray, stamps: int) -> Cine:
    return Cine(frames, np.arange(stamps) / 50, 50.0, "container", "avi", "MJPG")


def test_a_cine_has_colour_frames_of_bytes_and_a_stamp_for_each() -> None:
    good = np.zeros((3, 4, 5, 3), np.uint8)
    assert cine(good, 3).fps == 50
    for bad in (good[0], good[..., :2], good.astype(np.float32)):
        with pytest.raises(ValueError, match=r"expected \(T, H, W, 3\) uint8 frames"):
            cine(bad, len(bad))
    with pytest.raises(ValueError, match="expected 3 time stamps"):
        cine(good, 2)


def test_a_given_rate_replaces_what_the_file_says_and_its_doubts() -> None:
    doubted = Cine(
        np.zeros((3, 4, 5, 3), np.uint8), np.full(3, np.nan), None, "unknown", "avi", "MJPG",
        fps_notes=("one", "two"), fps_doubt="three",
    )  # fmt: skip
    assert doubted.why_no_rate == "one; two"
    given = doubted.at_rate(25)
    assert (given.fps, given.fps_source, given.fps_notes, given.fps_doubt) == (
        25,
        "--fps",
        (),
        None,
    )
    assert given.timestamps_s.tolist() == [0, 0.04, 0.08]
    assert given.why_no_rate == "the file does not say its frame rate"
    for fps in (1, 1000):
        assert doubted.at_rate(fps).fps == fps
    for fps in (0.99, 1000.1):
        with pytest.raises(UsageError, match="give 1 to 1000 frames/s"):
            doubted.at_rate(fps)
