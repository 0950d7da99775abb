"""The sector of real cines, of plain shapes and of none; and how it is cut out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.examples import get_path
from pydicom.pixels import iter_pixels

from edgeecho.cine.types import Region
from edgeecho.preprocess.sector import Sector, crop_sector, find_sector, sector_to_size

FAN = np.array([(110, 20), (210, 120), (165, 155), (110, 170), (55, 155), (10, 120)])
RECTANGLE = np.array([(0, 0), (120, 0), (120, 90), (0, 90)])


def at(x: int, y: int, shape: np.ndarray) -> np.ndarray:
    return np.add(shape, (x, y))


def speckle(*shapes: np.ndarray, height: int = 240, width: int = 320) -> np.ndarray:
    """(12, H, W, 3): each polygon filled with speckle of its own, black beside them."""
    frames = np.zeros((12, height, width, 3), np.uint8)
    for seed, shape in enumerate(shapes):
        grey = np.random.default_rng(seed).rayleigh(40, (12, height, width, 1)).clip(0, 255)
        mask = cv2.fillPoly(np.zeros((height, width), np.uint8), [shape.astype(np.int32)], (1,))
        frames[:, mask > 0] = grey.astype(np.uint8)[:, mask > 0]
    return frames


def box(sector: Sector | None) -> list[int]:
    """left, top, right, bottom of the outline."""
    assert sector is not None
    return [*sector.outline.min(axis=0).tolist(), *sector.outline.max(axis=0).tolist()]


def around(shape: np.ndarray) -> list[int]:
    return [*shape.min(axis=0).tolist(), *shape.max(axis=0).tolist()]


def read(path: str) -> tuple[np.ndarray, Region]:
    """Frames of a real cine, and its region as far as it lies in the image."""
    frames = np.stack(list(iter_pixels(path)))
    tag = dcmread(path, stop_before_pixels=True).SequenceOfUltrasoundRegions[0]
    left, top = tag.RegionLocationMinX0, tag.RegionLocationMinY0
    right, bottom = tag.RegionLocationMaxX1, tag.RegionLocationMaxY1
    region = Region(left, top, right - left + 1, bottom - top + 1).inside(*frames.shape[1:3])
    assert region is not None
    return frames, region


@pytest.mark.slow
def test_the_real_cine_of_pydicom_data() -> None:
    path = get_testdata_file("color3d_jpeg_baseline.dcm", download=False)
    if path is None:
        pytest.skip("pydicom-data is not installed")
    frames, region = read(str(path))
    for regions, method in (((), "found in the frames"), ((region,), "DICOM region")):
        sector = find_sector(frames, regions)
        assert sector is not None
        assert sector.method == method
        assert (len(sector.choices), sector.still) == (1, 0)
        # Read off an enlarged frame: the flat top is at y 43, the corners are at x 84 and 595.
        assert box(sector) == pytest.approx([84, 43, 595, 401], abs=3)
        # A quarter of a disc in a square of its height, the lower corners cut off.
        assert 0.7 < sector.fill < 0.8


def test_a_region_that_runs_through_the_real_sector_is_not_believed() -> None:
    # The cine in pydicom's wheel was made from the one above at half its size; its tags are old.
    frames, region = read(str(get_path("ybr_color")))
    sector = find_sector(frames, [region])
    assert sector is not None
    assert sector.method == "found in the frames"
    assert (len(sector.choices), sector.still) == (1, 0)
    # Coarse JPEG blocks widen it by a few pixels.
    assert box(sector) == pytest.approx([42, 21, 298, 201], abs=7)


@pytest.mark.parametrize("shape", [FAN, at(30, 40, RECTANGLE)], ids=["fan", "linear probe"])
@pytest.mark.parametrize("frames", [2, 3, 12])
def test_plain_shapes(shape: np.ndarray, frames: int) -> None:
    assert box(find_sector(speckle(shape)[:frames])) == pytest.approx(around(shape), abs=2)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.integers(-8, 90), st.integers(-15, 60))
def test_a_shifted_screen_shifts_the_sector(dx: int, dy: int) -> None:
    shape = at(dx, dy, FAN)
    left, top, right, bottom = around(shape)
    visible = [max(left, 0), max(top, 0), min(right, 319), min(bottom, 239)]
    assert box(find_sector(speckle(shape))) == pytest.approx(visible, abs=2)


def test_dark_parts_inside_do_not_split_it() -> None:
    frames = speckle(FAN)
    for centre in ((110, 100), (80, 130), (140, 130)):  # a ventricle and two atria
        cv2.ellipse(frames[0], centre, (14, 22), 0, 0, 360, (1, 1, 1), -1)
        frames[:, (frames[0] == 1).all(axis=-1)] = 0
    assert box(find_sector(frames)) == pytest.approx(around(FAN), abs=2)


def test_of_two_sectors_the_one_in_the_region_that_moves_most_is_taken() -> None:
    small, large = at(10, 60, RECTANGLE * 0.8), at(150, 60, RECTANGLE * 1.2)
    frames = speckle(small, large)
    left, right = Region(0, 50, 130, 150), Region(140, 50, 180, 150)
    assert box(find_sector(frames, [left, right])) == pytest.approx(around(large), abs=2)
    assert box(find_sector(frames, [left])) == pytest.approx(around(small), abs=2)
    # Frozen: nothing moves in the right one.
    frames[:, :, 140:] = frames[0, :, 140:]
    assert box(find_sector(frames, [left, right])) == pytest.approx(around(small), abs=2)


REGION = Region(40, 30, 200, 150)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((12, 240, 320, 3), np.uint8),
        speckle(FAN)[:1],
        speckle(FAN)[:0],
        speckle(FAN)[[0] * 12],
        speckle(at(50, 50, RECTANGLE))[[0] * 12],
        np.random.default_rng(0).integers(0, 256, (12, 240, 320, 3), np.uint8),
        np.random.default_rng(0).normal(60, 1, (12, 240, 320, 3)).astype(np.uint8),
        speckle(at(60, 60, RECTANGLE * 0.3)),
        speckle(at(40, 100, RECTANGLE * (1.6, 0.25))),
    ],
    ids=["black", "one frame", "no frame", "frozen fan", "frozen rectangle", "noise",
         "camera's noise", "small", "strip"],
)  # fmt: skip
def test_without_a_plausible_sector_the_region_is_taken_or_nothing(frames: np.ndarray) -> None:
    assert find_sector(frames) is None
    sector = find_sector(frames, [REGION])
    assert sector is not None
    assert sector.method == "DICOM region"
    assert sector.square == (40, 5, 200)
    assert sector.fill == pytest.approx(0.75)


def square_of(side: int) -> np.ndarray:
    """In the middle of `REGION`."""
    corner = side - 1
    return at(60, 50, np.array([(0, 0), (corner, 0), (corner, corner), (0, corner)]))


def test_a_twentieth_of_the_image_is_a_sector() -> None:
    # 5 % of 240 x 320 pixels are 62 x 62.
    assert find_sector(speckle(square_of(60))) is None
    assert box(find_sector(speckle(square_of(64)))) == pytest.approx([60, 50, 123, 113], abs=2)


def test_a_fifth_of_a_dicom_region_is_a_sector_and_less_is_a_part_of_it() -> None:
    # 20 % of 200 x 150 pixels are 77 x 77.
    part = find_sector(speckle(square_of(75)), [REGION])
    assert part is not None
    assert part.square == (40, 5, 200)
    whole = find_sector(speckle(square_of(80)), [REGION])
    assert box(whole) == pytest.approx([60, 50, 139, 129], abs=2)


@pytest.mark.slow
@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.booleans())
def test_a_region_of_any_size_gives_a_sector_unless_it_is_too_small_for_one(
    height: int, width: int, oblong: bool
) -> None:
    width = width * 50 if oblong else width
    frames = speckle(RECTANGLE, height=height, width=width)
    sector = find_sector(frames, [Region(0, 0, width, height)])
    assert (sector is not None) == (min(height, width) >= 32)
    if sector is not None:
        assert sector_to_size(frames, sector, 8).shape == (12, 8, 8, 3)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 70), st.integers(1, 70))
def test_a_crop_is_cut_out_bit_for_bit_and_centred(x: int, y: int, w: int, h: int) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 50, 60, 3), np.uint8)
    sector = crop_sector(Region(x, y, w, h))
    side = max(w, h)
    # The same from an image with a wide black border.
    wide = np.zeros((2, 250, 260, 3), np.uint8)
    wide[:, 100:150, 100:160] = frames
    mask = np.zeros((250, 260, 1), bool)
    mask[100 + y : 100 + y + h, 100 + x : 100 + x + w] = True
    left, top = 100 + x - (side - w) // 2, 100 + y - (side - h) // 2
    expected = (wide * mask)[:, top : top + side, left : left + side]
    assert (sector_to_size(frames, sector, side) == expected).all()
    assert sector.square == (left - 100, top - 100, side)
    assert sector.fill == pytest.approx(w * h / side**2)
    assert sector.method == "--crop"


def test_what_is_cut_is_black_outside_the_outline_and_untouched_inside() -> None:
    frames = speckle(FAN) // 2 + 90  # nothing is black by itself
    sector = find_sector(frames)
    assert sector is not None
    inside = cv2.fillPoly(np.zeros((240, 320), np.uint8), [sector.outline], (1,)) > 0
    x, y, side = sector.square
    rows, columns = slice(y, y + side), slice(x, x + side)
    expected = np.where(inside[..., None], frames, 0)[:, rows, columns]
    assert (sector_to_size(frames, sector, side) == expected).all()


def test_the_square_is_as_deep_as_the_fan_and_centred_on_it() -> None:
    sector = find_sector(speckle(FAN))
    assert sector is not None
    left, top, width, height = cv2.boundingRect(sector.outline)
    x, y, side = sector.square
    assert side == height
    assert (width, y) > (height, top - 1)
    assert x + side / 2 == pytest.approx(left + width / 2, abs=1)


def test_a_circle_stays_a_circle() -> None:
    frames = speckle(FAN)
    cv2.circle(frames[0], (110, 120), 30, (255, 0, 0), -1)
    sector = find_sector(frames)
    assert sector is not None
    small = sector_to_size(frames, sector, 112)[0].astype(int)
    disc = small[..., 0] - small[..., 1] > 128
    across, down = disc.any(axis=0).sum(), disc.any(axis=1).sum()
    assert abs(int(across) - int(down)) <= 1
    assert across == pytest.approx(61 * 112 / sector.square[2], abs=2)


def test_to_size_is_the_cut_square_resized_as_frames_are() -> None:
    frames = speckle(FAN)
    sector = find_sector(frames)
    assert sector is not None
    expected = [
        cv2.resize(square, (112, 112), interpolation=cv2.INTER_CUBIC)
        for square in sector_to_size(frames, sector, sector.square[2])
    ]
    assert (sector_to_size(frames, sector, 112) == np.stack(expected)).all()


def test_eight_of_several_sectors_are_named() -> None:
    corners = np.array([(0, 0), (9, 0), (9, 9), (0, 9)], np.int32)

    def several(count: int) -> str | None:
        choices = tuple(Region(number, 2, 3, 4) for number in range(count))
        return Sector(corners, (0, 0, 10), "--crop", 1.0, choices).several

    assert [several(count) for count in (0, 1)] == [None, None]
    assert several(2) == (
        "2 sectors move in the picture: choose one with --crop 0,2,3,4 or --crop 1,2,3,4"
    )
    for count in (8, 9):
        words = several(count) or ""
        assert words.startswith(f"{count} sectors")
        assert words.count("--crop") == 8


def test_a_region_that_cuts_a_twentieth_off_is_believed() -> None:
    shape = at(60, 50, np.array([(0, 0), (99, 0), (99, 99), (0, 99)]))
    frames = speckle(shape)
    for begin, method in ((64, "DICOM region"), (68, "found in the frames")):
        sector = find_sector(frames, [Region(begin, 0, 320 - begin, 240)])
        assert sector is not None
        assert sector.method == method
    # And one that has less than a twentieth of it is of another picture.
    beside = find_sector(frames, [Region(157, 40, 120, 120)])
    assert beside is not None
    assert beside.still == 1


def test_a_wide_fan_has_a_square_of_its_width_by_1_6() -> None:
    low = find_sector(speckle(at(20, 60, RECTANGLE * (2.0, 0.9))))
    assert low is not None
    width = box(low)[2] - box(low)[0] + 1
    assert low.square[2] == round(width / 1.6)
