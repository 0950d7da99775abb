"""The traced left ventricle in the network's view: contour, end diastole and end systole."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.beats import Beats
from edgeecho.inference import Traced
from edgeecho.results.contours import Contour, Polygon
from edgeecho.tools.preview.view import Image, write_text_on

_CONTOUR = (255, 210, 63)
# Parts of the mask that no beat counts.
_OTHERS = (150, 125, 45)
_AXIS = (235, 235, 235)
# Sixteenths of a pixel, in which OpenCV draws.
_SHIFT = 4


def draw_traced(picture: Image, traced: Traced, frame: int) -> None:
    """Into the network's view of `frame`, enlarged to `picture` `(H, H, 3)`: its own contour, and
    the long axis and name of a frame that is the end diastole or end systole of a beat.
    """
    scale = picture.shape[0] / traced.size
    contour = Contour.of(traced.mask(frame))
    for polygons, color, thick in ((contour.others, _OTHERS, 1), (contour.largest, _CONTOUR, 2)):
        points = [_points(polygon, scale) for polygon in polygons]
        cv2.polylines(picture, points, True, color, thick, cv2.LINE_AA, _SHIFT)
    for name, ends in _moments(traced.beats, frame):
        start, end = _points(ends, scale)[:, 0].tolist()
        cv2.line(picture, start, end, _AXIS, 1, cv2.LINE_AA, _SHIFT)
        write_text_on(picture, name, (8, 24), 0.7)


def _moments(beats: Beats, frame: int) -> list[tuple[str, tuple[float, ...]]]:
    """Names and long axes of the ends of beats in `frame`; a beat that is not used says so."""
    found: list[tuple[str, tuple[float, ...]]] = []
    for number, beat in enumerate(beats.found, 1):
        for name, moment in (("ED", beat.ed), ("ES", beat.es)):
            if moment is None or moment.frame != frame or moment.shape is None:
                continue
            words = f"{name} of beat {number}" + (", not used" if beat.unused else "")
            found.append((words, (*moment.shape.base, *moment.shape.apex)))
    return found


def _points(corners: Polygon | tuple[float, ...], scale: float) -> NDArray[np.int32]:
    # Centres of pixels are whole numbers here as there.
    corner = (np.reshape(corners, (-1, 1, 2)) + 0.5) * scale - 0.5
    return np.asarray(np.rint(corner * 2**_SHIFT), np.int32)
