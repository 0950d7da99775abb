"""Outlining the moving parts of a picture that may be an ultrasound sector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.types import Region
from edgeecho.preprocess.panels import split_panels
from edgeecho.preprocess.sector_motion import BLUR, REACH, MotionMap, disc

LEAST_SIDE = 32
"""Minimum width and height of a sector in pixels."""
# Minimum share of its outline that moves: scattered windows do not fill the hull around them.
_LEAST_SOLID = 0.5
# Longer side by shorter side: a strip is a trace (ECG, Doppler, M-mode).
_MOST_OBLONG = 3.0
# For a picture that does not move: minimum share of the image; grey level above which a pixel is
# lit; grey levels of speckle, which distinguishes it from a grey background.
_LEAST_STILL, _LIT, _LEAST_DETAIL = 0.05, 8.0, 2.0
# Panels are separated on a grid that is coarser than the map by this factor.
_COARSER = 2
# In grey levels: more than a codec leaves in the black beside a sector.
_BRIGHTER = 3.0
# In grey levels: the mean change of a moving panel is larger.
_LEAST_CHANGE = 1.0

Outline = NDArray[np.int32]
"""`(n, 2)` corners x, y of a polygon, in pixels of the original image, which are part of it."""


def find_outlines(motion: MotionMap, area: Region, least: float) -> list[Outline]:
    """Outlines of the moving sectors in an area of the image, one per panel, largest first.

    `least` is the minimum share of the area that a sector fills; with several panels, of its panel.
    """
    part = motion.within(area)
    panels = _panels(part, np.asarray(part.level > 0, np.uint8), least)
    if len(panels) > 1:
        share = least / len(panels)
        outlines = []
        for mask in panels:
            outline = _outline(part.only(mask), area, share)
            outlines.append(_in_image(_hull(mask), part, area) if outline is None else outline)
        return sorted(outlines, key=lambda outline: -cv2.contourArea(outline))
    one = _outline(part, area, least)
    if one is not None:
        return [one]
    # Panels that fill the image leave no place with noise alone: look at what is lit instead.
    lit = _panels(part, _lit(part), least)
    if len(lit) < 2 or any(part.change[mask > 0].mean() < _LEAST_CHANGE for mask in lit):
        return []
    return [_in_image(_hull(mask), part, area) for mask in lit]


def count_still(motion: MotionMap, known: Iterable[Region]) -> int:
    """Number of still pictures as large as a sector, outside the known rectangles."""
    moving = cv2.dilate(np.asarray(motion.level > 0, np.uint8), disc(REACH))
    for region in known:
        x, y, right, bottom = (
            v // motion.scale
            for v in (region.x, region.y, region.x + region.width, region.y + region.height)
        )
        moving[max(y - REACH, 0) : bottom + REACH, max(x - REACH, 0) : right + REACH] = 1
    detail = np.abs(motion.picture - cv2.blur(motion.picture, (2 * BLUR + 1,) * 2))
    pictures = _divided(
        _lit(motion, moving == 0), motion.picture, motion.scale, _LEAST_STILL, REACH
    )
    return sum(float(detail[mask > 0].mean()) > _LEAST_DETAIL for mask in pictures)


def _panels(part: MotionMap, shown: NDArray[np.uint8], least: float) -> list[NDArray[np.uint8]]:
    """Masks that divide what may be a sector into panels; fewer than two for a single sector.

    A coarser grid is fine enough and four times as fast.
    """
    height, width = shown.shape
    size = max(width // _COARSER, 1), max(height // _COARSER, 1)
    picture = np.asarray(cv2.resize(part.picture, size, interpolation=cv2.INTER_AREA), np.float32)
    coarse = np.asarray(cv2.resize(shown, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    brighter = picture > np.percentile(picture, 10) + _BRIGHTER

    # A dark chamber is no gap between panels: it is filled both before and after thin parts, such
    # as the wall around it, are removed. The first pass includes lit pixels, since only pieces of
    # a dark sector move.
    panels = []
    for looked_at in (_filled(coarse | brighter.astype(np.uint8)), coarse):
        panels = _divided(looked_at, picture, part.scale * _COARSER, least / 4, REACH // _COARSER)
        if len(panels) < 2:
            break
    return [
        np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
        for mask in panels
    ]


def _divided(
    shown: NDArray[np.uint8], picture: NDArray[np.float32], scale: int, least: float, reach: int
) -> list[NDArray[np.uint8]]:
    """Panels of a mask without parts that are thinner than twice `reach` or too small."""

    def large(mask: NDArray[np.uint8]) -> bool:
        return may_be_sector(mask, scale, least * mask.size)

    solid = np.zeros_like(shown)
    for mask in filter(large, _components(_solid(shown, reach))):
        solid |= mask
    return split_panels(_filled(solid), picture, large)


def _filled(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    borders, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return np.asarray(cv2.drawContours(mask.copy(), borders, -1, (1,), cv2.FILLED), np.uint8)


def may_be_sector(
    solid: NDArray[np.uint8], scale: int, area: float, hull: cv2.typing.MatLike | None = None
) -> bool:
    """Whether a mask of 0 and 1 is large and compact enough for a sector; `hull` may be given.

    `area` is in pixels of the mask, each of which stands for `scale` x `scale` image pixels.
    """
    if not solid.any():
        return False
    hull = _hull(solid) if hull is None else hull
    width, height = cv2.boundingRect(hull)[2:]
    return bool(
        min(width, height) * scale >= LEAST_SIDE
        and max(width, height) <= _MOST_OBLONG * min(width, height)
        and np.count_nonzero(solid) >= _LEAST_SOLID * cv2.contourArea(hull)
        and cv2.contourArea(hull) >= area
    )


def _outline(part: MotionMap, area: Region, least: float) -> Outline | None:
    """The outline of the moving part of a map, if it may be a sector; otherwise None.

    It is the convex hull of the largest moving component without its thin parts. Sectors are
    convex, except for the bent edge under a curved probe, and their dark parts lie inside.
    """
    moving = np.asarray(part.level > 0, np.uint8)
    solid = max(_components(_solid(moving)), key=np.count_nonzero, default=np.zeros_like(moving))
    # Opening has rounded the corners off: add the motion beside them. Averaging has widened the
    # edges: erode them.
    edges = cv2.dilate(solid, disc(REACH // 2)) * moving * part.sharp
    inner = np.asarray(cv2.erode(edges, disc(BLUR)), np.uint8)
    if not inner.any():
        return None
    hull = _hull(inner)
    if not may_be_sector(solid, part.scale, least * area.width * area.height / part.scale**2, hull):
        return None
    return _in_image(hull, part, area)


def _in_image(hull: cv2.typing.MatLike, part: MotionMap, area: Region) -> Outline:
    """Convert map pixels of an area to the centres of the image pixels they stand for."""
    corner = np.array([area.x, area.y]) // part.scale * part.scale
    return np.asarray(hull[:, 0] * part.scale + part.scale // 2 + corner, np.int32)


def _hull(mask: NDArray[np.uint8]) -> cv2.typing.MatLike:
    borders, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return cv2.convexHull(np.concatenate(borders))


def _solid(mask: NDArray[np.uint8], reach: int = REACH) -> NDArray[np.uint8]:
    """A mask without its thin parts."""
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc(reach))
    return np.asarray(opened, np.uint8)


def _lit(part: MotionMap, where: NDArray[np.bool_] | bool = True) -> NDArray[np.uint8]:
    """Mask of what is not black, without thin parts; closed first, since dark speckle is sparse."""
    lit = np.asarray((part.picture > _LIT) & where, np.uint8)
    return _solid(np.asarray(cv2.morphologyEx(lit, cv2.MORPH_CLOSE, disc(BLUR)), np.uint8))


def _components(mask: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The connected components of a mask, as masks of 0 and 1."""
    count, labels = cv2.connectedComponents(mask)
    if count == 2:
        yield mask
        return
    for label in range(1, count):
        yield np.asarray(labels == label, np.uint8)
