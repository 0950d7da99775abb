"""What counts as motion, pixel by pixel, on pictures whose changes are known numbers."""

from __future__ import annotations

import numpy as np
import pytest

from edgeecho.cine.types import Region
from edgeecho.preprocess.sector_motion import BLUR, REACH, disc, motion_map

BLOCK = np.s_[30:70, 30:70]
MIDDLE = (50, 50)


def still(count: int = 16, height: int = 140, width: int = 140, grey: int = 50) -> np.ndarray:
    return np.full((count, height, width, 3), grey, np.uint8)


def changing(
    frames: np.ndarray, where: tuple[slice, slice], by: int, steps: int = 15
) -> np.ndarray:
    """The first so many steps change a part by so many grey levels, up and down."""
    up = np.minimum(np.arange(len(frames)), steps) % 2
    frames[(slice(None), *where)] += (by * up).astype(np.uint8)[:, None, None, None]
    return frames


def test_a_part_moves_by_its_typical_change_and_the_rest_by_nothing() -> None:
    found = motion_map(changing(still(), BLOCK, 20))
    assert (found.scale, found.level.shape) == (1, (140, 140))
    assert found.level[MIDDLE] == found.change[MIDDLE] == 20
    assert found.level[100, 100] == found.change[100, 100] == 0
    assert found.picture[MIDDLE] == 60
    assert found.picture[100, 100] == 50
    assert found.sharp[MIDDLE]
    # Averaged over 5 x 5 pixels: at the last row of the block over three rows of it.
    assert (REACH, BLUR) == (8, 2)
    assert found.change[67, 50] == 20
    assert found.change[69, 50] == pytest.approx(20 * 3 / 5)
    assert found.change[72, 50] == 0


@pytest.mark.parametrize(("steps", "moves"), [(3, False), (4, True)])
def test_what_changes_in_fewer_than_a_fifth_of_the_steps_rests(steps: int, moves: bool) -> None:
    assert (motion_map(changing(still(), BLOCK, 20, steps)).level[MIDDLE] > 0) == moves


def test_sixteen_frames_are_looked_at_from_the_first_to_the_last() -> None:
    frames = still(31)
    frames[1::2, 30:70, 30:70] += 20
    assert motion_map(frames).level.max() == 0, "the odd ones are left out"
    assert motion_map(frames[:17]).level[MIDDLE] == 20
    assert motion_map(frames[:16]).level[MIDDLE] == 20


def test_a_single_frame_and_none_do_not_move() -> None:
    for count in (0, 1):
        found = motion_map(still(count))
        assert (found.level.max(), found.change.max()) == (0, 0)
        assert found.picture[MIDDLE] == 50 * count


@pytest.mark.parametrize(("longest", "scale"), [(320, 1), (321, 2), (640, 2), (641, 3), (960, 3)])
def test_the_map_has_320_pixels_at_most(longest: int, scale: int) -> None:
    for shape in ((longest, 40), (40, longest)):
        found = motion_map(still(2, *shape))
        assert found.scale == scale
        assert found.level.shape == tuple(length // scale for length in shape)
    assert motion_map(still(2, 2, 3000)).scale == 2, "each side keeps a pixel"


@pytest.mark.parametrize(("longest", "moves"), [(640, True), (960, False)])
def test_the_faintest_motion_is_between_a_ninth_and_a_quarter_of_a_grey_level(
    longest: int, moves: bool
) -> None:
    frames = still(16, longest, 160)
    scale = 2 if longest == 640 else 3
    # One pixel of each that the map averages changes by a grey level.
    frames[1::2, 30 * scale : 40 * scale : scale, ::scale] += 1
    found = motion_map(frames)
    assert found.change.max() == pytest.approx(1 / scale**2, rel=1e-4)
    assert (found.level.max() > 0) == moves


@pytest.mark.parametrize(("noise", "moves"), [(3, True), (4, False)])
def test_where_everything_moves_by_more_than_3_levels_nothing_stands_out(
    noise: int, moves: bool
) -> None:
    frames = still()
    frames[1::2] += np.uint8(noise)
    frames[1::2, 30:70, 30:70] += 50
    found = motion_map(frames)
    assert found.change[120, 120] == noise
    assert found.level[120, 120] == 0
    assert (found.level[MIDDLE] > 0) == moves
    assert found.change[MIDDLE] == 50 + noise


@pytest.mark.parametrize(("beside", "sharp"), [(9, False), (11, True)])
def test_a_tenth_of_the_motion_beside_it_may_be_its_smear(beside: int, sharp: bool) -> None:
    frames = changing(changing(still(), BLOCK, 100), np.s_[30:70, 70:90], beside)
    found = motion_map(frames)
    # 6 pixels from the block, within the reach of 8; then beyond it.
    assert found.level[50, 75] == beside
    assert bool(found.sharp[50, 75]) == sharp
    assert found.sharp[50, 84]


def test_a_part_of_the_map_is_that_of_a_region_of_the_image() -> None:
    frames = changing(still(16, 400, 160), np.s_[100:180, 40:120], 20)
    whole = motion_map(frames)
    part = whole.within(Region(21, 81, 100, 119))
    assert (whole.scale, part.scale) == (2, 2)
    # From pixel 81 to 199 and from 21 to 120: rows 40 to 99, columns 10 to 60.
    rows, columns = slice(40, 100), slice(10, 61)
    for name in ("level", "change", "sharp", "picture"):
        assert (getattr(part, name) == getattr(whole, name)[rows, columns]).all(), name


def test_motion_near_a_mask_alone_is_kept() -> None:
    found = motion_map(changing(still(), BLOCK, 20))
    mask = np.zeros((140, 140), np.uint8)
    mask[50, 50] = 1
    near = found.only(mask)
    assert near.level[50, 58] == 20
    assert near.level[50, 59] == 0
    assert (near.change == found.change).all()


def test_a_disc_reaches_as_far_as_its_radius() -> None:
    assert disc(0).tolist() == [[1]]
    assert disc(1).tolist() == [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    assert disc(8).shape == (17, 17)
