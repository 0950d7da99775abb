"""The ultrasound sector in a scanner's screen: found, cut out, and resized for the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.types import Region
from edgeecho.preprocess.sector_motion import BLUR, REACH, MotionMap, disc, motion_map

# What a sector is at least. In pixels:
_LEAST_SIDE = 32
# As a share of the image, and of a DICOM region: a fan fills a third to two thirds of its region,
# so less is but a part of it and the whole region the better answer.
_LEAST_OF_IMAGE, _LEAST_OF_REGION = 0.05, 0.2
# As the share of its outline that moves: scattered windows do not fill the hull around them.
_LEAST_SOLID = 0.5
# Width of an outline by the square's side: a fan of 100 degrees is 1.5 times as wide as deep.
_WIDEST = 1.6
# Longer by shorter side: a strip is a trace (ECG, Doppler, M-mode).
_MOST_OBLONG = 3.0


@dataclass(frozen=True, eq=False)
class Sector:
    """The part of a frame that is kept, and the square that is cut around it."""

    outline: NDArray[np.int32]
    """`(n, 2)` corners x, y of a polygon, in pixels of the original image; they belong to it."""
    square: tuple[int, int, int]
    """x, y of the upper left corner and side, in pixels of the original image. It may reach
    outside the image; there it is black."""
    method: str
    """How it was found: `DICOM region`, `found in the frames` or `--crop`."""
    fill: float
    """Share of the square that is sector, 0 to 1."""


def find_sector(frames: NDArray[np.uint8], regions: Sequence[Region] = ()) -> Sector | None:
    """The sector of a B-mode cine `(T, H, W, 3)` RGB; None where nothing looks like one.

    `regions` are a DICOM file's 2D tissue regions, within the image's bounds: the sector is
    searched in the one that moves most, and where none is found there, it is the region itself.
    Without regions, and where a region runs through the sector, the whole image is searched.
    There None is the answer for a still, for a black or a wholly moving image (a sector that
    fills the image looks like a camera's noise), and where what moves is too small, too thin or
    too scattered.
    """
    motion = motion_map(frames)
    height, width = frames.shape[1:3]
    found = _search(motion, Region(0, 0, width, height), _LEAST_OF_IMAGE)
    regions = [region for region in regions if min(region.width, region.height) >= _LEAST_SIDE]
    if regions:
        region = max(regions, key=lambda r: (motion.within(r).level.sum(), r.width * r.height))
        if found is None or not _cuts(region, found):
            within = _search(motion, region, _LEAST_OF_REGION)
            if within is None:
                return _whole(region, "DICOM region")
            return _as_deep(within, "DICOM region")
    return None if found is None else _as_deep(found, "found in the frames")


def crop_sector(region: Region) -> Sector:
    """The rectangle that a user gives, all of it."""
    return _whole(region, "--crop")


def sector_to_size(frames: NDArray[np.uint8], sector: Sector, size: int) -> NDArray[np.uint8]:
    """The square, black outside the outline, resized to `(T, size, size, 3)` as `fit_frames` does.

    Frame by frame: the squares of a long cine would take as much memory as the cine.
    """
    out = np.empty((len(frames), size, size, 3), np.uint8)
    for target, square in zip(out, _squares(frames, sector), strict=True):
        cv2.resize(square, (size, size), dst=target, interpolation=cv2.INTER_CUBIC)
    return out


def _squares(frames: NDArray[np.uint8], sector: Sector) -> Iterator[NDArray[np.uint8]]:
    """The square of each frame, in one buffer that the next one overwrites."""
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


def _search(motion: MotionMap, area: Region, least: float) -> NDArray[np.int32] | None:
    """The outline of what moves in an area of the image, if it may be a sector.

    It is the convex hull around the largest thing that moves, less what is thin: sectors are
    convex, but for the bent edge under a curved probe, and what is dark lies inside.
    """
    part = motion.within(area)
    moving = np.asarray(part.level > 0, np.uint8)
    solid = _largest(cv2.morphologyEx(moving, cv2.MORPH_OPEN, disc(REACH)))
    # Opening rounded the corners off: what moves beside them is theirs. Averaging had widened
    # the edges.
    edges = cv2.dilate(solid, disc(REACH // 2)) * moving * part.sharp
    points = cv2.findNonZero(cv2.erode(edges, disc(BLUR)))
    if points is None:
        return None
    hull = cv2.convexHull(points)
    width, height = (length * motion.scale for length in cv2.boundingRect(hull)[2:])
    if (
        min(width, height) < _LEAST_SIDE
        or max(width, height) > _MOST_OBLONG * min(width, height)
        or np.count_nonzero(solid) < _LEAST_SOLID * cv2.contourArea(hull)
        or cv2.contourArea(hull) * motion.scale**2 < least * area.width * area.height
    ):
        return None
    # From the map's pixels to the middle of those that each stands for.
    corner = np.array([area.x, area.y]) // motion.scale * motion.scale
    return np.asarray(hull[:, 0] * motion.scale + motion.scale // 2 + corner, np.int32)


def _cuts(region: Region, outline: NDArray[np.int32]) -> bool:
    """Whether a region runs through a sector: then it is not this image's.

    So it is in files that were made smaller and kept their tags (pydicom's `ybr_color`).
    """
    mask = _mask(outline, (0, 0, int(outline.max()) + 1))
    inside = mask[region.y : region.y + region.height, region.x : region.x + region.width]
    return bool(0.05 < np.count_nonzero(inside) / np.count_nonzero(mask) < 0.95)


def _largest(mask: cv2.typing.MatLike) -> NDArray[np.uint8]:
    """The connected part of a mask with the most pixels, as a mask of 0 and 1."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return np.zeros_like(labels, np.uint8)
    return np.asarray(labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax(), np.uint8)


def _whole(region: Region, method: str) -> Sector:
    """A rectangle and the square around all of it."""
    return _sector(_corners(region), method, max(region.width, region.height))


def _as_deep(outline: NDArray[np.int32], method: str) -> Sector:
    """A fan and a square of its height: the scale is the depth's, as in EchoNet-Dynamic's frames.

    A fan is wider than it is deep, and the square cuts its lower corners off, as theirs does
    (squares of the display's height; Ouyang et al., Nature 2020, Methods). The whole width would
    show the heart a third smaller than in training.
    """
    _, _, width, height = cv2.boundingRect(outline)
    return _sector(outline, method, max(height, round(width / _WIDEST)))


def _sector(outline: NDArray[np.int32], method: str, side: int) -> Sector:
    """The square is centred on the outline's bounding box."""
    x, y, width, height = cv2.boundingRect(outline)
    square = (x - (side - width) // 2, y - (side - height) // 2, side)
    return Sector(outline, square, method, fill=float((_mask(outline, square) > 0).mean()))


def _corners(region: Region) -> NDArray[np.int32]:
    left, top = region.x, region.y
    right, bottom = left + region.width - 1, top + region.height - 1
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.int32)


def _mask(outline: NDArray[np.int32], square: tuple[int, int, int]) -> NDArray[np.uint8]:
    """`(side, side)` 255 within the outline and on it, 0 elsewhere."""
    x, y, side = square
    # All of the outline is drawn: where it is clipped, its edges would fall on other pixels.
    left, top, width, height = cv2.boundingRect(outline)
    pad = max(x - left, y - top, left + width - x - side, top + height - y - side, 0)
    mask = np.zeros((side + 2 * pad, side + 2 * pad), np.uint8)
    cv2.fillPoly(mask, [outline - np.array([x - pad, y - pad], np.int32)], (255,))
    return mask[pad : pad + side, pad : pad + side]
