"""Several sectors on one screen are counted; one stays one, whatever is dark in it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from screens import enlarged, jpeg, live, overlaid, rows, still

from edgeecho.cine import Region
from edgeecho.preprocess.rectangles import distinct
from edgeecho.preprocess.sector import Sector, find_sector

SCREENS = {
    "biplane": ([[live(0), live(1)]], {"gap": 20, "border": 10}),
    "biplane, touching": ([[live(2), live(3)]], {"border": 8}),
    "original and overlay": ([[live(1), overlaid(live(1))]], {"gap": 12}),
    "original and overlay, touching": ([[live(0), overlaid(live(0))]], {}),
    "overlay and original, touching": ([[overlaid(live(4)), live(4)]], {}),
    "one above the other": ([[live(0)], [live(3)]], {"gap": 12, "border": 4}),
    "one above the other, touching": ([[live(1)], [live(2)]], {"border": 4}),
    "overlay below, touching": ([[live(2)], [overlaid(live(2))]], {}),
    "quad": ([[live(0), live(1)], [live(2), live(3)]], {"gap": 12}),
    "quad, touching": ([[live(0), live(1)], [live(2), live(4)]], {"border": 6}),
    "a small one": ([[live(0, 200), live(1, 110)]], {"gap": 6}),
    "of unequal height": ([[live(2, 120), live(3, 150)]], {"border": 10}),
}
"""Name -> rows of pictures, how they are laid out."""


def count(sector: Sector | None) -> tuple[int, int]:
    """Moving sectors, pictures that stand still."""
    return (0, 0) if sector is None else (len(sector.choices), sector.still)


@pytest.mark.parametrize("quality", [None, 80])
@pytest.mark.parametrize("name", SCREENS)
def test_each_panel_is_a_choice(name: str, quality: int | None) -> None:
    pictures, layout = SCREENS[name]
    screen = rows(*pictures, **layout)
    sector = find_sector(screen if quality is None else jpeg(screen, quality))
    number = sum(map(len, pictures))
    assert count(sector) == (number, 0)
    assert sector is not None
    # The same screen with numbers for pictures: each choice shows its own, and hardly another.
    numbered = [[np.full_like(p, 1 + 4 * y + x) for x, p in enumerate(r)]
                for y, r in enumerate(pictures)]  # fmt: skip
    numbers = rows(*numbered, **layout)[0, ..., 0]
    seen = set()
    for r in sector.choices:
        shown = numbers[r.y : r.y + r.height, r.x : r.x + r.width]
        assert shown.shape == (r.height, r.width), "outside the image"
        shares = np.bincount(shown.ravel())[1:] / shown.size
        assert shares.max() > 0.85
        seen.add(int(shares.argmax()))
    assert len(seen) == number


@pytest.mark.parametrize("gap", [0, 16])
@pytest.mark.parametrize("first", [True, False])
def test_beside_a_picture_that_stands_still_the_one_that_moves_is_taken(
    first: bool, gap: int
) -> None:
    pictures = [live(0), still(live(1))]
    screen = rows(pictures if first else pictures[::-1], gap=gap, border=8)
    sector = find_sector(screen)
    assert count(sector) == (1, 1)
    assert sector is not None
    assert (sector.outline[:, 0].mean() < screen.shape[2] / 2) == first


def test_regions_are_counted_once_each() -> None:
    screen = rows([live(0), live(1)], gap=20, border=10)
    left, right = Region(10, 10, 130, 130), Region(160, 10, 130, 130)
    for regions in ([left, right], [right, left, left], [left, right, Region(170, 40, 90, 90)]):
        assert count(find_sector(screen, regions)) == (2, 0)
    # The frames show the other one as well.
    assert count(find_sector(screen, [left])) == (2, 0)
    frozen = rows([live(0), still(live(1))], gap=20, border=10)
    sector = find_sector(frozen, [right, left])
    assert count(sector) == (1, 1)
    assert sector is not None
    assert sector.method == "DICOM region"
    assert sector.outline[:, 0].max() < 150


def polar(corners: list[tuple[float, float]]) -> np.ndarray:
    """Pixels x, y of radius and angle in degrees below the apex of a fan of 280 pixels."""
    radius, angle = np.transpose(corners)
    x, y = radius * np.sin(np.radians(angle)), radius * np.cos(np.radians(angle))
    return np.round(np.stack([320 + 280 * x, 20 + 280 * y], axis=1)).astype(np.int32)


def fan(half: float, begin: float = 0.0) -> np.ndarray:
    """Speckle `(16, 320, 640, 3)` in a fan; it begins at a share of its radius."""
    angles = np.linspace(-half, half, 40)
    arcs = [(1.0, a) for a in angles] + [(begin, a) for a in angles[::-1]]
    mask = cv2.fillPoly(np.zeros((320, 640), np.uint8), [polar(arcs)], (1,))
    grey = np.random.default_rng(0).rayleigh(40, (16, 320, 640, 1)).clip(0, 255).astype(np.uint8)
    return np.repeat(grey * mask[..., None], 3, axis=-1)


def darkened(frames: np.ndarray, *corners: tuple[float, float]) -> np.ndarray:
    black = cv2.fillPoly(np.zeros(frames.shape[1:3], np.uint8), [polar(list(corners))], (1,))
    return np.where(black[..., None] > 0, 0, frames).astype(np.uint8)


def lit(frames: np.ndarray, *discs: tuple[int, int, int]) -> np.ndarray:
    """Black discs: where the probe lost contact."""
    frames = frames.copy()
    for frame in frames:
        for x, y, radius in discs:
            cv2.circle(frame, (x, y), radius, (0, 0, 0), -1)
    return frames


ALONE = {
    "80 degrees": fan(40),
    "110 degrees": fan(55),
    "a little bent": fan(35, 0.2),
    "much bent": fan(35, 0.45),
    "shadow in the middle": darkened(fan(40), (0, 0), (1.1, -6), (1.1, 6)),
    "wide shadow in the middle": darkened(fan(40), (0, 0), (1.1, -12), (1.1, 12)),
    "shadow aside": darkened(fan(40), (0, 0), (1.1, 12), (1.1, 24)),
    "shadow from under the probe": darkened(fan(40, 0.2), (0, 0), (1.1, -9), (1.1, 9)),
    "dark band": darkened(
        fan(40), *((0.45, a) for a in range(-45, 46, 3)), *((0.55, a) for a in range(45, -46, -3))
    ),
    "dark far field": darkened(fan(40), (0.7, -60), (1.3, -60), (1.3, 60), (0.7, 60)),
    "lost contact": lit(fan(40), (320, 90, 30), (270, 240, 40), (380, 200, 30)),
}  # fmt: skip


@pytest.mark.parametrize("name", ALONE)
def test_one_sector_stays_one(name: str) -> None:
    assert len(getattr(find_sector(ALONE[name]), "choices", [])) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("index", range(5))
def test_a_phantom_on_a_larger_screen_stays_one(index: int) -> None:
    for size, border in ((130, 10), (240, 60)):
        screen = rows([enlarged(live(index, 112), size)], border=border)
        assert count(find_sector(screen)) == (1, 0)
        assert count(find_sector(jpeg(screen, 60))) == (1, 0)


def test_a_header_that_lists_thousands_of_regions_costs_little_and_says_little() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (20, 640, 800, 3), dtype=np.uint8)
    regions = [Region(x, y, 40, 40) for x in range(0, 760, 10) for y in range(0, 600, 10)]
    assert len(distinct(regions)) <= 16
    sector = find_sector(frames, regions)
    assert sector is not None
    assert len(sector.choices) <= 16
    assert (sector.several or "").count("--crop") <= 8
