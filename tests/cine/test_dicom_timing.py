"""Time stamps, and the regions: what the header says besides pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import DataElement
from pydicom.tag import Tag

from edgeecho.cine import Region
from edgeecho.cine.dicom import read_dicom

VECTOR = [0, *[25] * 11]
PAUSE = [0, *[25] * 5, 600, *[25] * 5]


POINTER = "FrameIncrementPointer"


@pytest.mark.parametrize(
    ("attributes", "fps", "source"),
    [
        ({"FrameTime": 20, "CineRate": 50}, 50, "FrameTime"),
        ({"FrameTime": 20, "CineRate": 46}, 50, "FrameTime"),  # closer than 10 %
        ({"FrameTimeVector": VECTOR, "FrameTime": 25}, 40, "FrameTimeVector"),
        ({"FrameTimeVector": VECTOR, "RecommendedDisplayFrameRate": 40}, 40, "FrameTimeVector"),
        # The first value stands for what lies before the first frame.
        ({"FrameTimeVector": [700, *VECTOR[1:]]}, 40, "FrameTimeVector"),
        ({"RecommendedDisplayFrameRate": 30, "CineRate": 30}, 30, "RecommendedDisplayFrameRate"),
        ({"CineRate": 30}, 30, "CineRate"),
        ({"EffectiveDuration": 0.5}, 24, "EffectiveDuration"),
        ({"CineRate": 24, "EffectiveDuration": 0.5}, 24, "CineRate"),
        # A pause changes the mean, not the rate.
        ({"FrameTimeVector": PAUSE, "CineRate": 40}, 11 / 0.85, "FrameTimeVector"),
        # In whole seconds it is rounded, and contradicts nobody.
        ({"CineRate": 24, "EffectiveDuration": 1}, 24, "CineRate"),
        # The pointer decides where both are there; pointing at something else, it does not.
        (
            {POINTER: Tag("FrameTime"), "FrameTimeVector": VECTOR, "FrameTime": 24},
            41.7,
            "FrameTime",
        ),
        ({POINTER: Tag("CineRate"), "CineRate": 41, "FrameTime": 25}, 41, "CineRate"),
        ({POINTER: Tag("NumberOfFrames"), "FrameTime": 20}, 50, "FrameTime"),
        ({"CineRate": None}, None, "unknown"),
        ({"FrameTime": ""}, None, "unknown"),
        ({}, None, "unknown"),
    ],
)
def test_the_frame_rate_says_where_it_came_from(
    write_dicom: Callable[..., Path], attributes: dict, fps: float | None, source: str
) -> None:
    attributes = {key: value for key, value in attributes.items() if value is not None}
    cine = read_dicom(write_dicom(**attributes))
    assert cine.fps == (None if fps is None else pytest.approx(fps, rel=1e-3))
    assert (cine.fps_source, cine.fps_notes, cine.fps_doubt) == (source, (), None)
    if fps is None:
        assert np.isnan(cine.timestamps_s).all()
        assert cine.why_no_rate == "the file does not say its frame rate"
    elif attributes.get("FrameTimeVector") != PAUSE:
        assert cine.timestamps_s == pytest.approx(np.arange(12) / fps, rel=1e-3)


@pytest.mark.parametrize(
    ("attributes", "fps", "note"),
    [
        (
            {POINTER: Tag("FrameTimeVector"), "FrameTime": 20},
            50,
            "FrameTimeVector, which FrameIncrementPointer names, is not there: the frame rate is "
            "that of FrameTime",
        ),
        (
            {POINTER: Tag("FrameTime"), "CineRate": 30},
            30,
            "FrameTime, which FrameIncrementPointer names, is not there: the frame rate is that of "
            "CineRate",
        ),
        (
            {"FrameTimeVector": VECTOR[1:], "CineRate": 40},
            40,
            "FrameTimeVector cannot be used (11 values for 12 frames): the frame rate is that of "
            "CineRate",
        ),
        ({"FrameTimeVector": [*VECTOR, 25], "CineRate": 40}, 40, "13 values for 12 frames"),
        ({"FrameTimeVector": [0] * 12, "FrameTime": 20}, 50, "not every step is above zero"),
        (
            {"FrameTimeVector": [0, 25, 0, *[25] * 9], "FrameTime": 25},
            40,
            "not every step is above zero",
        ),
        ({"FrameTimeVector": [0, *[-25] * 11], "FrameTime": 20}, 50, "not every step"),
        ({"FrameTimeVector": [0, *[1e-9] * 11], "FrameTime": 20}, 50, "it says 1e+12 frames/s"),
        ({"FrameTime": -20, "CineRate": 30}, 30, "FrameTime cannot be used (it says -20)"),
        ({"FrameTime": 0.02, "CineRate": 30}, 30, "it says 0.02"),  # in s, not ms
        ({"FrameTime": [20, 20], "CineRate": 50}, 50, "2 values instead of one"),
        ({"FrameTime": 0, "CineRate": 30}, 30, "it says 0"),
    ],
)
def test_what_is_taken_instead_of_an_unusable_attribute_is_named(
    write_dicom: Callable[..., Path], attributes: dict, fps: float, note: str
) -> None:
    cine = read_dicom(write_dicom(**attributes))
    assert cine.fps == pytest.approx(fps)
    assert len(cine.fps_notes) == 1
    assert note in cine.fps_notes[0]
    assert cine.fps_doubt is None


@pytest.mark.parametrize(
    ("attributes", "doubt"),
    [
        ({"FrameTime": 20, "CineRate": 30}, "FrameTime says 50.0 frames/s, CineRate 30.0"),
        (
            {POINTER: Tag("FrameTime"), "FrameTime": 20, "RecommendedDisplayFrameRate": 60},
            "FrameTime says 50.0 frames/s, RecommendedDisplayFrameRate 60.0",
        ),
        (
            {"FrameTimeVector": VECTOR, "FrameTime": 20},
            "FrameTimeVector says 40.0 frames/s, FrameTime 50.0",
        ),
        ({"CineRate": 30, "EffectiveDuration": 0.5}, "CineRate says 30.0 frames/s"),
        # Of an attribute that should rule and cannot: its readable steps.
        (
            {"FrameTimeVector": VECTOR[1:], "CineRate": 60},
            "CineRate says 60.0 frames/s, FrameTimeVector (11 values for 12 frames) about 40.0",
        ),
        ({"FrameTimeVector": [0, 25, 0, *[25] * 9], "CineRate": 60}, "(not every step is above"),
        ({"FrameTime": [20, 20], "CineRate": 30}, "FrameTime (2 values instead of one) about 50.0"),
    ],
)
def test_two_statements_that_contradict_each_other_are_both_named(
    write_dicom: Callable[..., Path], attributes: dict, doubt: str
) -> None:
    cine = read_dicom(write_dicom(**attributes))
    assert cine.fps_doubt is not None
    assert doubt in cine.fps_doubt
    told = cine.at_rate(50)
    assert (told.fps, told.fps_source, told.fps_notes, told.fps_doubt) == (50, "--fps", (), None)


def test_whole_seconds_for_want_of_better_are_a_guess_that_is_said(
    write_dicom: Callable[..., Path],
) -> None:
    cine = read_dicom(write_dicom(EffectiveDuration=1))
    assert (cine.fps, cine.fps_source) == (12, "EffectiveDuration")
    assert cine.fps_notes == (
        "EffectiveDuration is in whole seconds, so the frame rate may be far off",
    )


@pytest.mark.parametrize(("vr", "value"), [("SL", -5), ("FD", 1e300), ("DS", "-5"), ("US", 7)])
def test_a_pointer_that_points_nowhere_is_no_pointer(
    write_dicom: Callable[..., Path], vr: str, value: object
) -> None:
    path = write_dicom(FrameTime=25)
    dataset = dcmread(path)
    dataset[0x00280009] = DataElement(0x00280009, vr, value)
    dataset.save_as(path)
    assert read_dicom(path).fps == 40


def rewritten(path: Path, old: bytes, new: bytes) -> Path:
    """The file with one value written otherwise, in as many bytes."""
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new.ljust(len(old))))
    return path


@pytest.mark.parametrize("nonsense", [b"2(.0abc)", b"nan", b"1e999", b"2_0", b"1.234,5", b"0x14"])
def test_an_attribute_that_is_no_number_gives_way_to_the_next_by_name(
    write_dicom: Callable[..., Path], nonsense: bytes
) -> None:
    path = rewritten(write_dicom(FrameTime="20.00000", CineRate=30), b"20.00000", nonsense)
    cine = read_dicom(path)
    assert (cine.fps, cine.fps_source) == (pytest.approx(30), "CineRate")
    assert cine.fps_notes == (
        "FrameTime cannot be used (no number): the frame rate is that of CineRate",
    )


def test_without_another_the_reason_is_the_attribute(write_dicom: Callable[..., Path]) -> None:
    cine = read_dicom(rewritten(write_dicom(FrameTime="20.00000"), b"20.00000", b"20 ms"))
    assert (cine.fps, cine.fps_source) == (None, "unknown")
    assert cine.why_no_rate == "FrameTime cannot be used (no number)"


@pytest.mark.parametrize("comma", [b"20,00000", b"20,", b" 20,0 ", b"2,0e1"])
def test_a_decimal_comma_is_a_decimal_point(write_dicom: Callable[..., Path], comma: bytes) -> None:
    cine = read_dicom(rewritten(write_dicom(FrameTime="20.00000"), b"20.00000", comma))
    assert (cine.fps, cine.fps_source, cine.fps_notes) == (50, "FrameTime", ())


def test_commas_in_a_vector_and_one_value_that_is_no_number(
    write_dicom: Callable[..., Path],
) -> None:
    steps = ["0", "20.5", *["20"] * 10]
    path = write_dicom(FrameTimeVector=steps, CineRate=50)
    cine = read_dicom(rewritten(path, b"20.5", b"20,5"))
    assert cine.timestamps_s[1] == pytest.approx(0.0205)
    cine = read_dicom(rewritten(path, b"20,5", b"2x.5"))
    assert (cine.fps, cine.fps_source, cine.fps_doubt) == (50, "CineRate", None)
    assert "(not all of it are numbers)" in cine.fps_notes[0]


def test_an_uneven_frame_time_vector_gives_uneven_time_stamps(
    write_dicom: Callable[..., Path],
) -> None:
    steps = [0, *[20, 40] * 5, 20]
    cine = read_dicom(write_dicom(FrameTimeVector=steps))
    assert cine.timestamps_s == pytest.approx(np.cumsum(steps) / 1000)
    assert cine.fps == pytest.approx(11 / 0.32)


def region(corners: tuple[int, int, int, int], spatial: int = 1, data: int = 1) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType = spatial, data
    item.RegionLocationMinX0, item.RegionLocationMinY0 = corners[:2]
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = corners[2:]
    return item


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (region((2, 3, 11, 12)), Region(2, 3, 10, 10)),  # the corners belong to it
        (region((0, 0, 29, 19)), Region(0, 0, 30, 20)),
        (region((5, 6, 900, 4_000_000_000)), Region(5, 6, 25, 14)),
        (region((30, 0, 40, 10)), None),  # outside
        (region((9, 9, 8, 9)), None),
        (region((9, 9, 9, 8)), None),
        (region((9, 9, 9, 9)), Region(9, 9, 1, 1)),
        (region((2, 3, 11, 12), spatial=4), None),  # a wave form
        (region((2, 3, 11, 12), data=2), None),  # colour flow
        (region((2, 3, 11, 12), data=0x0A), None),  # ECG
        (Dataset(), None),
    ],
)
def test_regions_of_tissue_are_clipped_to_the_image(
    write_dicom: Callable[..., Path], item: Dataset, expected: Region | None
) -> None:
    good = region((1, 1, 4, 4))
    cine = read_dicom(write_dicom(SequenceOfUltrasoundRegions=[item, good]))
    assert cine.regions == (*([expected] if expected else []), Region(1, 1, 4, 4))
    assert cine.damage == ()
