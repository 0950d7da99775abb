"""The size of a pixel: what a DICOM file's regions say, and whether prepared frames keep it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from media import write_video
from pydicom import Dataset

from edgeecho.cine import Cine, Region, read_cine
from edgeecho.common.errors import InputError
from edgeecho.preprocess import Handling, PreprocessSpec, prepare

SPEC = PreprocessSpec((32, 32, 32), (50, 50, 50), training_fps=50.0)
HEIGHT, WIDTH = 240, 320
DISC_MM = 24.0
"""Radius of the disc that is drawn."""


def region(
    box: tuple[int, int, int, int] = (40, 10, 279, 209), across: Any = 0.08, down: Any = 0.08,
    **more: Any,
) -> Dataset:  # fmt: skip
    """A region of tissue; the sizes of a pixel are in cm."""
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType = 1, 1
    corners = ("MinX0", "MinY0", "MaxX1", "MaxY1")
    for corner, value in zip(corners, box, strict=True):
        setattr(item, f"RegionLocation{corner}", value)
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX, item.PhysicalDeltaY = across, down
    for name, value in more.items():
        if value is None:
            del item[name]
        else:
            setattr(item, name, value)
    return item


def disc(
    across: float = 0.08, down: float = 0.08, *, height: int = HEIGHT, width: int = WIDTH,
    count: int = 12, at: tuple[int, int] = (160, 110), lit: Region | None = None,
) -> np.ndarray:  # fmt: skip
    """A white disc of `DISC_MM` on grey that flickers, as it is stored at so many cm a pixel."""
    grey = np.random.default_rng(0).integers(40, 100, (count, height, width, 1), dtype=np.uint8)
    frames = np.repeat(grey, 3, axis=-1)
    if lit is not None:  # black around it, as on a scanner's screen
        inside = np.zeros((height, width, 1), np.uint8)
        inside[lit.y : lit.y + lit.height, lit.x : lit.x + lit.width] = 1
        frames *= inside
    axes = (round(DISC_MM / across / 10), round(DISC_MM / down / 10))
    for frame in frames:
        cv2.ellipse(frame, at, axes, 0, 0, 360, (255, 255, 255), -1)
    return frames


def radius_mm(frames: np.ndarray, pixel_mm: float) -> float:
    area = float((frames[len(frames) // 2, ..., 0] > 180).sum())
    return float(np.sqrt(area / np.pi) * pixel_mm)


@pytest.fixture
def read(write_dicom: Callable[..., Path]) -> Callable[..., Cine]:
    def read_it(frames: np.ndarray, *regions: Dataset, **more: Any) -> Cine:
        path = write_dicom(frames, FrameTime=20, SequenceOfUltrasoundRegions=list(regions), **more)
        return read_cine(path)

    return read_it


def test_a_region_says_the_size_of_a_pixel(read: Callable[..., Cine]) -> None:
    cine = read(disc(), region())
    assert cine.pixel_mm == pytest.approx(0.8)
    assert cine.pixel_doubt is None
    assert radius_mm(cine.frames, 0.8) == pytest.approx(DISC_MM, rel=0.03)


@pytest.mark.parametrize(("across", "down"), [(0.08, 0.04), (0.04, 0.08)])
def test_pixels_that_were_made_square_have_the_size_of_the_square_ones(
    read: Callable[..., Cine], across: float, down: float
) -> None:
    ratio = [round(down * 100), round(across * 100)]  # vertical, then horizontal
    stored = disc(across, down, at=(160, 110))
    cine = read(stored, region((40, 10, 279, 209), across, down), PixelAspectRatio=ratio)
    assert cine.pixel_mm == pytest.approx(0.4, rel=0.01)
    assert cine.frames.shape[1:3] != (HEIGHT, WIDTH)
    assert radius_mm(cine.frames, cine.pixel_mm) == pytest.approx(DISC_MM, rel=0.03)
    # Nothing says that they are not square, and so they were not stretched.
    squeezed = read(stored, region((40, 10, 279, 209), across, down))
    assert squeezed.pixel_mm is None
    assert "are not square" in str(squeezed.pixel_doubt)


NOTHING: dict[str, list[Dataset]] = {
    "no region": [],
    "not in cm": [region(PhysicalUnitsXDirection=4)],
    "no unit": [region(PhysicalUnitsYDirection=None)],
    "no size": [region(PhysicalDeltaX=None)],
    "not a number": [region(across=float("nan"))],
    "infinite": [region(across=float("inf"), down=float("inf"))],
    "Doppler": [region(RegionDataType=2)],
    "no corners": [region(RegionLocationMaxX1=None)],
    "outside the picture": [region((400, 10, 500, 209))],
}


@pytest.mark.parametrize("case", NOTHING)
def test_without_a_region_that_says_it_the_size_is_not_known(
    read: Callable[..., Cine], case: str
) -> None:
    cine = read(disc(), *NOTHING[case])
    assert (cine.pixel_mm, cine.pixel_doubt) == (None, None)


HOSTILE: dict[str, tuple[list[Dataset], str]] = {
    "zero": ([region(across=0.0)], "not positive"),
    "negative": ([region(down=-0.08)], "not positive"),
    "tiny": ([region(across=5e-324, down=5e-324)], "deep"),
    "huge": ([region(across=1e300, down=1e300)], "deep"),
    "1 mm deep": ([region(across=0.0005, down=0.0005)], "1 mm deep"),
    "2 m deep": ([region(across=1.0, down=1.0)], "2e+03 mm deep"),
    "twice as wide": ([region(across=0.16)], "1.6 mm across and 0.8 mm down are not square"),
    "two that disagree": (
        [region((0, 0, 149, 199)), region((160, 0, 309, 199), 0.05, 0.05)],
        "regions say 0.5 and 0.8 mm",
    ),
    "of a larger picture": ([region((40, 10, 639, 479))], "outside the picture"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_size_that_cannot_be_is_not_used_and_said(read: Callable[..., Cine], case: str) -> None:
    regions, said = HOSTILE[case]
    cine = read(disc(), *regions)
    assert cine.pixel_mm is None
    assert said in str(cine.pixel_doubt)
    assert prepare(cine, SPEC, Handling(find_sector=False)).pixel_doubt == cine.pixel_doubt


def test_two_regions_that_agree_say_it_too(read: Callable[..., Cine]) -> None:
    cine = read(disc(), region((0, 0, 149, 199)), region((160, 0, 309, 199), 0.0802, 0.0802))
    assert cine.pixel_mm == pytest.approx(0.801)


def test_values_of_another_kind_are_not_known(write_dicom: Callable[..., Path]) -> None:
    data = write_dicom(
        disc(), FrameTime=20, SequenceOfUltrasoundRegions=[region(across=0.0625, down=0.0625)]
    ).read_bytes()
    path = write_dicom(disc(), FrameTime=20)
    # (0018,602C) FD of eight bytes: every other kind, and damage within it.
    tag = bytes.fromhex("18002c60")
    assert data.count(tag) == 1
    place = data.index(tag)
    for kind in (b"UL", b"US", b"OB", b"SQ", b"ZZ"):
        path.write_bytes(data[: place + 4] + kind + data[place + 6 :])
        try:
            cine = read_cine(path)
        except InputError:  # damaged; what is said of it is tested elsewhere
            continue
        assert cine.pixel_mm is None, kind
    chance = np.random.default_rng(7)
    for _ in range(40):
        value = chance.bytes(8)
        path.write_bytes(data[: place + 8] + value + data[place + 16 :])
        mm = read_cine(path).pixel_mm
        assert mm is None or 0.1 <= mm <= 2.5, value


def test_a_video_says_nothing_of_it(tmp_path: Path) -> None:
    assert read_cine(write_video(tmp_path / "a.avi")).pixel_mm is None


AREAS: dict[str, tuple[dict[str, Any], str]] = {
    "crop": ({"handling": Handling(crop=Region(60, 20, 190, 180))}, "--crop"),
    "central square": ({"handling": Handling(find_sector=False)}, "central square"),
    "region": ({}, "DICOM region"),
    "resampled": ({"spec": replace(SPEC, time="resample(50)")}, "DICOM region"),
}


@pytest.mark.parametrize("case", AREAS)
def test_a_disc_keeps_its_size_through_preprocessing(read: Callable[..., Cine], case: str) -> None:
    options, area = AREAS[case]
    box = Region(40, 10, 240, 200)
    cine = read(disc(lit=box, count=20), region())
    prepared = prepare(cine, options.get("spec", SPEC), options.get("handling"))
    assert prepared.area == area
    assert prepared.pixel_mm is not None
    assert prepared.pixel_doubt is None
    assert radius_mm(prepared.frames, prepared.pixel_mm) == pytest.approx(DISC_MM, rel=0.04)


@pytest.mark.parametrize("size", [112, 56])
def test_a_disc_keeps_its_size_where_the_whole_frame_is_taken(
    read: Callable[..., Cine], size: int
) -> None:
    frames = disc(0.15, 0.15, height=112, width=112, at=(56, 56))
    cine = read(frames, region((0, 0, 111, 111), 0.15, 0.15))
    prepared = prepare(cine, replace(SPEC, size=size))
    assert prepared.area == "whole"
    assert prepared.pixel_mm == pytest.approx(1.5 * 112 / size)
    assert radius_mm(prepared.frames, prepared.pixel_mm) == pytest.approx(DISC_MM, rel=0.04)


def test_a_sector_that_is_not_in_the_region_has_no_size(read: Callable[..., Cine]) -> None:
    cine = read(disc(), region((0, 0, 60, 60), 0.08, 0.08))
    prepared = prepare(cine, SPEC, Handling(crop=Region(100, 50, 120, 120)))
    assert cine.pixel_mm == pytest.approx(0.8)
    assert prepared.pixel_mm is None
    assert "its region is not where the sector is" in str(prepared.pixel_doubt)
