"""The shape of pixels: what is square, what is stretched, what is believed and what is an error."""

from __future__ import annotations

import numpy as np
import pytest

from edgeecho.cine.aspect import SQUARE, Aspect
from edgeecho.common.errors import InputError


@pytest.mark.parametrize(
    ("ratio", "allowed"), [(4.0, True), (4.01, False), (0.25, True), (0.249, False)]
)
def test_pixels_are_at_most_four_times_as_wide_as_high(ratio: float, allowed: bool) -> None:
    if allowed:
        Aspect(ratio, "pasp").check("a.avi")
    else:
        with pytest.raises(InputError, match=rf"{ratio:.3g} times as wide as high \(pasp\)"):
            Aspect(ratio, "pasp").check("a.avi")


def test_two_percent_are_rounding() -> None:
    assert Aspect(1.0).agrees(Aspect(1.0))
    for ratio, agrees in ((1.019, True), (1.021, False), (0.981, True), (0.979, False)):
        assert Aspect(ratio).agrees(SQUARE) == agrees
    # As a share of the other one.
    assert Aspect(2.03).agrees(Aspect(2.0))
    assert not Aspect(2.05).agrees(Aspect(2.0))


@pytest.mark.parametrize(
    ("ratio", "size"),
    [(1.0, (30, 40)), (1.019, (30, 40)), (1.5, (30, 60)), (1.021, (30, 41)), (0.5, (60, 40)),
     (0.979, (31, 40))],
)  # fmt: skip
def test_no_side_becomes_smaller(ratio: float, size: tuple[int, int]) -> None:
    assert Aspect(ratio).square(30, 40) == size
    frame = np.zeros((30, 40, 3), np.uint8)
    stretched = Aspect(ratio).stretch(frame)
    assert stretched.shape == (*size, 3)
    assert (stretched is frame) == (size == (30, 40))
    said = Aspect(ratio, "pasp").note(30, 40)
    assert said == (() if size == (30, 40) else (
        f"its pixels are {ratio:.3g} times as wide as high (pasp): "
        f"stretched from 40x30 to {size[1]}x{size[0]}",
    ))  # fmt: skip


def test_only_another_statement_contradicts() -> None:
    mine = Aspect(2.0, "PixelSpacing")
    assert mine.against(SQUARE) == (), "nothing is stated there"
    assert mine.against(Aspect(2.01, "the stream")) == ()
    assert mine.against(Aspect(1.0, "the stream")) == (
        "PixelSpacing says that its pixels are 2 times as wide as high, the stream 1: "
        "PixelSpacing was believed",
    )
    assert (SQUARE.ratio, SQUARE.source) == (1.0, "")
