"""Time stamps, and the regions: what the header says besides pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.tag import Tag

from edgeecho.cine import Region
from edgeecho.cine.dicom import read_dicom

VECTOR = [0, *[25] * 11]


@pytest.mark.parametrize(
    ("attributes", "fps", "source"),
    [
        ({"FrameTime": 20, "CineRate": 30}, 50, "FrameTime"),
        ({"FrameTimeVector": VECTOR, "FrameTime": 20}, 40, "FrameTimeVector"),
        ({"RecommendedDisplayFrameRate": 60, "CineRate": 30}, 60, "RecommendedDisplayFrameRate"),
        ({"CineRate": 30}, 30, "CineRate"),
        ({"EffectiveDuration": 0.5}, 24, "EffectiveDuration"),
        ({"CineRate": 30, "EffectiveDuration": 0.5}, 30, "CineRate"),
        # The pointer decides where both are there; pointing elsewhere or at nothing, it does not.
        (
            {
                "FrameIncrementPointer": Tag("FrameTime"),
                "FrameTimeVector": VECTOR,
                "FrameTime": 20,
            },
            50,
            "FrameTime",
        ),
        ({"FrameIncrementPointer": Tag("FrameTimeVector"), "FrameTime": 20}, 50, "FrameTime"),
        ({"FrameIncrementPointer": Tag("FrameTime"), "CineRate": 30}, 30, "CineRate"),
        ({"FrameIncrementPointer": Tag("NumberOfFrames"), "FrameTime": 20}, 50, "FrameTime"),
        # Nonsense counts as missing.
        ({"FrameTimeVector": [0, 0, 0], "FrameTime": 20}, 50, "FrameTime"),
        ({"FrameTimeVector": [0, *[-25] * 11], "FrameTime": 20}, 50, "FrameTime"),
        ({"FrameTimeVector": [0, *[1e-9] * 11], "FrameTime": 20}, 50, "FrameTime"),
        ({"FrameTime": -20, "CineRate": 30}, 30, "CineRate"),
        ({"FrameTime": 0.02, "CineRate": 30}, 30, "CineRate"),  # in s, not ms
        ({"FrameTime": [20, 20], "CineRate": 30}, 30, "CineRate"),
        ({"CineRate": 0}, None, "unknown"),
        ({"EffectiveDuration": 0}, None, "unknown"),
        ({}, None, "unknown"),
    ],
)
def test_the_frame_rate_says_where_it_came_from(
    write_dicom: Callable[..., Path], attributes: dict, fps: float | None, source: str
) -> None:
    cine = read_dicom(write_dicom(**attributes))
    assert cine.fps == (None if fps is None else pytest.approx(fps))
    assert cine.fps_source == source
    if fps is None:
        assert np.isnan(cine.timestamps_s).all()
    else:
        assert cine.timestamps_s == pytest.approx(np.arange(12) / fps)


@pytest.mark.parametrize("nonsense", [b"2(.0abc)", b"        ", b"nan     ", b"1e999   "])
def test_an_attribute_that_is_no_number_counts_as_missing(
    write_dicom: Callable[..., Path], nonsense: bytes
) -> None:
    path = write_dicom(FrameTime="20.00000", CineRate=30)
    data = path.read_bytes()
    assert data.count(b"20.00000") == 1
    path.write_bytes(data.replace(b"20.00000", nonsense))
    cine = read_dicom(path)
    assert (cine.fps, cine.fps_source) == (pytest.approx(30), "CineRate")


def test_an_uneven_frame_time_vector_gives_uneven_time_stamps(
    write_dicom: Callable[..., Path],
) -> None:
    steps = [0, *[20, 40] * 5, 20]
    cine = read_dicom(write_dicom(FrameTimeVector=steps))
    assert cine.timestamps_s == pytest.approx(np.cumsum(steps) / 1000)
    assert cine.fps == pytest.approx(11 / 0.32)


def test_a_still_has_no_rate(write_dicom: Callable[..., Path]) -> None:
    still = np.full((1, 20, 30), 7, np.uint8)
    cine = read_dicom(write_dicom(still, NumberOfFrames=None, FrameTime=20))
    assert (cine.frames == 7).all()
    assert (cine.fps, cine.fps_source, cine.damage) == (None, "unknown", ())


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
        (region((9, 9, 8, 8)), None),
        (region((2, 3, 11, 12), spatial=2), None),  # M-mode
        (region((2, 3, 11, 12), spatial=3), None),  # spectral Doppler
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
