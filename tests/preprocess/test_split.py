"""Where a mask is divided into panels, every threshold on both sides, on shapes drawn for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edgeecho.preprocess.panels import Mask, split_panels


def parts(mask: Mask, picture: np.ndarray | None = None) -> list[tuple[int, int, int, int]]:
    """x, y, width and height of each panel."""
    shown = np.zeros(mask.shape, np.float32) if picture is None else picture
    found = split_panels(mask, shown, lambda _: True)
    assert (sum(found, np.zeros_like(mask)) == mask).all(), "nothing is lost or doubled"
    return [tuple(cv2.boundingRect(part)) for part in found]


def canvas(height: int, width: int) -> Mask:
    return np.zeros((height + 6, width + 10), np.uint8)


def beside(left: int, right: int, gap: int, height: int = 80, short: int = 80) -> Mask:
    """Two rectangles, the second one `short` pixels high, at x 5 and y 3."""
    mask = canvas(height, left + gap + right)
    mask[3 : 3 + height, 5 : 5 + left] = 1
    mask[3 : 3 + short, 5 + left + gap : 5 + left + gap + right] = 1
    return mask


TURNED = pytest.mark.parametrize("turned", [False, True], ids=["beside", "below"])


def count(mask: Mask, turned: bool) -> int:
    return len(parts(np.ascontiguousarray(mask.T) if turned else mask))


def test_rectangles_beside_and_below_each_other_are_divided_in_their_gap() -> None:
    mask = beside(60, 50, 4)
    assert parts(mask) == [(5, 3, 60, 80), (69, 3, 50, 80)]
    assert parts(np.ascontiguousarray(mask.T)) == [(3, 5, 80, 60), (3, 69, 80, 50)]
    four = np.vstack([beside(60, 60, 4), beside(60, 60, 4)])
    assert len(parts(four)) == 4


def test_an_empty_mask_has_no_part_and_a_whole_one_stays_whole() -> None:
    assert split_panels(canvas(20, 20), np.zeros((26, 30), np.float32), lambda _: True) == []
    assert parts(beside(60, 0, 0)) == [(5, 3, 60, 80)]


@TURNED
def test_a_gap_has_two_pixels_at_least(turned: bool) -> None:
    assert [count(beside(60, 60, gap), turned) for gap in (1, 2)] == [1, 2]


@TURNED
def test_four_fifths_of_a_gap_are_straight_to_a_pixel(turned: bool) -> None:
    for rows, wider, panels in ((16, 3, 2), (17, 3, 1), (60, 1, 2), (60, 2, 1)):
        mask = beside(60, 60, 6)
        mask[3 : 3 + rows, 71 : 71 + wider] = 0
        if rows == 60:  # most of them are wider: the usual width is theirs
            mask[3 : 3 + rows, 71 : 71 + wider] = 1
            mask[3 : 3 + 32, 71 : 71 + wider] = 0
        assert count(mask, turned) == panels, (rows, wider)


@TURNED
def test_a_gap_is_as_long_as_four_fifths_of_the_picture(turned: bool) -> None:
    assert [count(beside(60, 60, 6, short=short), turned) for short in (64, 63)] == [2, 1]


@TURNED
def test_a_gap_lies_in_the_middle_three_fifths(turned: bool) -> None:
    assert [count(beside(left, 98 - left, 2), turned) for left in (17, 20, 78, 81)] == [1, 2, 2, 1]


@TURNED
def test_a_panel_has_a_fifth_of_the_others_pixels(turned: bool) -> None:
    # A fifth of 78 x 80 are 1248; holes within change no outline.
    for hole, panels in ((352, 2), (353, 1)):
        mask = beside(20, 78, 2)
        mask[10:32, 7:23] = 0
        mask[40, 10] = hole == 352
        assert count(mask, turned) == panels


def test_parts_that_are_no_panels_are_not_divided() -> None:
    mask = beside(60, 60, 6)
    picture = np.zeros(mask.shape, np.float32)
    for whole in (lambda m: m[:, :60].any(), lambda m: m[:, 90:].any()):
        assert len(split_panels(mask, picture, whole)) == 1


def fan(mask: Mask, x: int, y: int, width: int, height: int, top: int = 1, aside: int = 0) -> None:
    """Widens from `top` pixels to `width`; its begin is moved aside."""
    for row in range(height):
        share = row / (height - 1)
        left = x + (1 - share) * ((width - top) / 2 + aside)
        length = top + share * (width - top)
        mask[y + row, round(left) : round(left + length)] = 1


def fans(height: int, top: int = 1, aside: int = 0) -> Mask:
    """Two of 100 pixels, which touch at their lower corners."""
    mask = canvas(height, 200)
    fan(mask, 5, 3, 100, height, top, aside)
    fan(mask, 105, 3, 100, height, top)
    return mask


def test_fans_are_divided_where_they_touch() -> None:
    (left, right) = parts(fans(80))
    assert left == pytest.approx((5, 3, 100, 80), abs=1)
    assert right == pytest.approx((105, 3, 100, 80), abs=1)


def test_the_valley_between_fans_is_as_deep_as_28_percent_of_their_distance() -> None:
    assert [len(parts(fans(height))) for height in (27, 32)] == [1, 2]


def test_between_fans_there_are_two_fifths_of_one_where_they_begin() -> None:
    assert [len(parts(fans(60, top=top))) for top in (50, 60)] == [2, 1]


def test_a_fan_begins_above_its_middle() -> None:
    assert [len(parts(fans(80, aside=aside))) for aside in (10, -10, 18, -18)] == [2, 2, 1, 1]


def test_a_shadow_that_widens_downwards_divides_nothing() -> None:
    mask = canvas(80, 160)
    fan(mask, 5, 3, 160, 80)
    shadow = canvas(80, 160)
    fan(shadow, 70, 3, 30, 80)
    assert len(parts(np.where(shadow > 0, 0, mask).astype(np.uint8))) == 1


def tower(top: int, aside: int = 0) -> Mask:
    """Two fans of 100 pixels, one above the other, the lower one beginning with `top`."""
    mask = canvas(120, 100)
    fan(mask, 5, 3, 100, 60)
    fan(mask, 5, 63, 100, 60, top, aside)
    return mask


def test_fans_above_each_other_are_divided_at_the_waist() -> None:
    (upper, lower) = parts(tower(10))
    assert upper[:3] == (5, 3, 100)
    assert lower[3] in (59, 60)


def test_the_lower_fan_begins_half_as_wide_as_either() -> None:
    assert [len(parts(tower(top))) for top in (38, 52)] == [2, 1]


def test_the_lower_fan_begins_above_its_middle() -> None:
    assert [len(parts(tower(10, aside))) for aside in (9, 19)] == [2, 1]


def noise(seed: int, height: int = 80, width: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).normal(60, 20, (height, width)).astype(np.float32)


def copied(alike: float, vertical: bool) -> tuple[Mask, np.ndarray]:
    """A picture and, without a gap, what is `alike` to it and otherwise new."""
    one = noise(1)
    other = 60 + alike * (one - 60) + np.sqrt(1 - alike**2) * (noise(2) - 60)
    both = np.vstack([one, other]) if vertical else np.hstack([one, other])
    mask = canvas(*both.shape)
    picture = np.zeros(mask.shape, np.float32)
    inside = np.s_[3 : 3 + both.shape[0], 5 : 5 + both.shape[1]]
    mask[inside], picture[inside] = 1, both
    return mask, picture


@pytest.mark.parametrize("vertical", [False, True])
def test_a_picture_and_its_copy_are_divided_in_the_middle(vertical: bool) -> None:
    found = parts(*copied(1.0, vertical))
    assert found == (
        [(5, 3, 60, 80), (5, 83, 60, 80)] if vertical else [(5, 3, 60, 80), (65, 3, 60, 80)]
    )
    # Ideally half of the detail occurs twice; from 36 percent on it is a copy.
    assert [len(parts(*copied(alike, vertical))) for alike in (0.8, 0.6, 0.0)] == [2, 1, 1]
