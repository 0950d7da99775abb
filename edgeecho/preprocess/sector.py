"""Finding the ultrasound sector on a scanner's screen, and cropping it for the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.types import Region
from edgeecho.preprocess.outline import count_still, find_outlines
from edgeecho.preprocess.rectangles import around, distinct, same
from edgeecho.preprocess.sector_motion import MotionMap, motion_map

# Minimum share of the image, and of a DICOM region, that a sector fills. A fan fills a third to two
# thirds of its region; less is only a part of it, and the whole region is the better answer.
_LEAST_OF_IMAGE, _LEAST_OF_REGION = 0.05, 0.2
# A region moves if this share of it changes by this many grey levels.
_LEAST_MOVING, _LEAST_CHANGE = 0.1, 1.0
# Maximum width of an outline by the square's side; a fan of 100 degrees has 1.5.
_WIDEST = 1.6

# Maximum number of choices that a refusal lists.
_MOST_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Sector:
    """The part of a frame that is kept, and the square crop around it."""

    outline: NDArray[np.int32]
    """`(n, 2)` corners x, y of a polygon, in pixels of the original image, which are part of it."""
    square: tuple[int, int, int]
    """x and y of the upper left corner, and side, in pixels of the original image. Parts outside
    the image are black."""
    method: str
    """How it was found: `DICOM region`, `found in the frames` or `--crop`."""
    fill: float
    """Share of the square that is sector, 0 to 1."""
    choices: tuple[Region, ...] = ()
    """A rectangle around each moving sector, as for `--crop`, from left to right."""
    still: int = 0
    """Number of other pictures on the screen that do not move."""

    @property
    def several(self) -> str | None:
        """If several sectors move, how many and how to choose one; otherwise None."""
        if len(self.choices) < 2:
            return None
        shown = self.choices[:_MOST_SHOWN]
        crops = " or ".join(f"--crop {r.x},{r.y},{r.width},{r.height}" for r in shown)
        return f"{len(self.choices)} sectors move in the picture: choose one with {crops}"


def find_sector(frames: NDArray[np.uint8], regions: Sequence[Region] = ()) -> Sector | None:
    """The sector of a B-mode cine `(T, H, W, 3)` RGB; None if nothing looks like one.

    `regions` are a DICOM file's 2D tissue regions, inside the image's bounds. The one that moves
    most is searched; if it has no sector, the region itself is the sector. Without regions, or if a
    region cuts through the sector, the whole image is searched. The result is then None for a
    still, for a black or a wholly moving image (a sector that fills the image looks like a camera's
    noise), and if what moves is too small, too thin or too scattered. Of several sectors the
    largest is taken; all of them are its `choices`.
    """
    motion = motion_map(frames)
    height, width = frames.shape[1:3]
    image = Region(0, 0, width, height)
    found = [
        _as_deep(outline, "found in the frames")
        for outline in find_outlines(motion, image, _LEAST_OF_IMAGE)
    ]
    regions = distinct(regions)
    if any(_cuts(regions, sector.outline) for sector in found):
        regions = ()
    # The one that moves most comes first.
    regions = sorted(regions, key=lambda r: (-motion.within(r).level.sum(), -r.width * r.height))
    inside = [_in_region(motion, region) for region in regions]
    sectors = _distinct([*(sector for part in inside for sector in part), *found])
    still = sum(not part for part in inside) + count_still(motion, [*regions, *map(_box, sectors)])
    if not sectors:
        return _whole(regions[0], "DICOM region") if regions else None
    choices = [around(_box(sector), sector.square, image) for sector in sectors]
    from_left = sorted(choices, key=lambda r: (r.x, r.y))
    return replace(sectors[0], choices=tuple(from_left), still=still)


def _in_region(motion: MotionMap, region: Region) -> list[Sector]:
    """The moving sectors in a region, or the whole region; empty if it does not move."""
    outlines = find_outlines(motion, region, _LEAST_OF_REGION)
    if outlines:
        return [_as_deep(outline, "DICOM region") for outline in outlines]
    moves = (motion.within(region).change > _LEAST_CHANGE).mean() >= _LEAST_MOVING
    return [_whole(region, "DICOM region")] if moves else []


def _distinct(sectors: Iterable[Sector]) -> list[Sector]:
    """The sectors without duplicates; the first one found is kept."""
    kept: list[Sector] = []
    for sector in sectors:
        if not any(same(_box(sector), _box(other)) for other in kept):
            kept.append(sector)
    return kept


def _box(sector: Sector) -> Region:
    return Region(*cv2.boundingRect(sector.outline))


def crop_sector(region: Region) -> Sector:
    """A sector that is the whole rectangle given by the user."""
    return _whole(region, "--crop")


def sector_to_size(frames: NDArray[np.uint8], sector: Sector, size: int) -> NDArray[np.uint8]:
    """Crop the square, blacken it outside the outline, and resize it to `(T, size, size, 3)`.

    It works frame by frame, since the squares of a long cine would take as much memory as the cine.
    """
    out = np.empty((len(frames), size, size, 3), np.uint8)
    for target, square in zip(out, _squares(frames, sector), strict=True):
        cv2.resize(square, (size, size), dst=target, interpolation=cv2.INTER_CUBIC)
    return out


def _squares(frames: NDArray[np.uint8], sector: Sector) -> Iterator[NDArray[np.uint8]]:
    """The square of each frame; all share one buffer, which the next frame overwrites."""
    height, width = frames.shape[1:3]
    left, top, side = sector.square
    rows = slice(max(top, 0), max(min(top + side, height), 0))
    columns = slice(max(left, 0), max(min(left + side, width), 0))
    square = np.zeros((side, side, 3), np.uint8)
    inside = np.s_[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    mask = np.repeat(_mask(sector.outline, sector.square)[inside][..., None], 3, axis=-1)
    for frame in frames:
        np.bitwise_and(frame[rows, columns], mask, out=square[inside])
        yield square


def _cuts(regions: Sequence[Region], outline: NDArray[np.int32]) -> bool:
    """Whether the regions cut through a sector, and so do not belong to this image.

    This happens in files that were scaled down and kept their tags (pydicom's `ybr_color`).
    """
    mask = _mask(outline, (0, 0, int(outline.max()) + 1))
    inside = np.zeros_like(mask)
    for region in regions:
        part = np.s_[region.y : region.y + region.height, region.x : region.x + region.width]
        inside[part] = mask[part]
    return bool(0.05 < np.count_nonzero(inside) / np.count_nonzero(mask) < 0.95)


def _whole(region: Region, method: str) -> Sector:
    """A rectangle with the square around all of it."""
    return _sector(_corners(region), method, max(region.width, region.height))


def _as_deep(outline: NDArray[np.int32], method: str) -> Sector:
    """A fan with a square of its height: depth sets the scale, as in EchoNet-Dynamic's frames.

    A fan is wider than it is deep, so the square cuts its lower corners off, as theirs does
    (squares of the display's height; Ouyang et al., Nature 2020, Methods). The whole width would
    show the heart a third smaller than in training.
    """
    _, _, width, height = cv2.boundingRect(outline)
    return _sector(outline, method, max(height, round(width / _WIDEST)))


def _sector(outline: NDArray[np.int32], method: str, side: int) -> Sector:
    """A sector whose square is centred on the outline's bounding box."""
    x, y, width, height = cv2.boundingRect(outline)
    square = (x - (side - width) // 2, y - (side - height) // 2, side)
    return Sector(outline, square, method, fill=float((_mask(outline, square) > 0).mean()))


def _corners(region: Region) -> NDArray[np.int32]:
    left, top = region.x, region.y
    right, bottom = left + region.width - 1, top + region.height - 1
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.int32)


def _mask(outline: NDArray[np.int32], square: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A mask `(side, side)` that is 255 inside the outline and on it, and 0 elsewhere."""
    x, y, side = square
    # Draw the whole outline: the edges of a clipped one would fall on other pixels.
    left, top, width, height = cv2.boundingRect(outline)
    pad = max(x - left, y - top, left + width - x - side, top + height - y - side, 0)
    mask = np.zeros((side + 2 * pad, side + 2 * pad), np.uint8)
    cv2.fillPoly(mask, [outline - np.array([x - pad, y - pad], np.int32)], (255,))
    return mask[pad : pad + side, pad : pad + side]
