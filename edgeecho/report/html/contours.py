"""Contours of the left ventricle over the frames, as paths of SVG."""

from __future__ import annotations

from edgeecho.beats import Moment
from edgeecho.results.contours import Contour, Polygon
from edgeecho.results.pictures import Pictures


def paths_of(pictures: Pictures) -> str:
    """The contour of every frame for the player: `PART|OTHERS;PART|OTHERS;...`."""
    return ";".join(
        f"{_path(contour.largest)}|{_path(contour.others)}" for contour in pictures.contours or ()
    )


def overlay(pictures: Pictures, index: int) -> str:
    """What lies over the player's picture; at first with the contour of frame `index`."""
    if pictures.contours is None:
        return ""
    size = pictures.size
    return (
        f'<svg class="contours" viewBox="0 0 {size} {size}" aria-hidden="true">'
        f"{_group(_contour_of(pictures, index))}</svg>"
    )


def over(pictures: Pictures, moment: Moment) -> str:
    """Contour and long axis of end diastole or end systole, where its frame is in the sprite."""
    x, y = pictures.corner(moment.frame)
    axis = ""
    if (shape := moment.shape) is not None:
        ends = (*shape.base, *shape.apex)
        x1, y1, x2, y2 = (f"{value:.1f}" for value in ends)
        axis = f'<line class="axis" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'
    return (
        f'<g class="contours" transform="translate({x} {y})">'
        f"{_group(_contour_of(pictures, moment.frame), axis)}</g>"
    )


def _contour_of(pictures: Pictures, index: int) -> Contour:
    assert pictures.contours is not None
    return pictures.contours[pictures.indices.index(index)]


def _group(contour: Contour, more: str = "") -> str:
    # Centres of pixels are whole numbers in masks, and halves in pictures.
    return (
        f'<g transform="translate(.5 .5)"><path class="others" d="{_path(contour.others)}"/>'
        f'<path class="contour" d="{_path(contour.largest)}"/>{more}</g>'
    )


def _path(polygons: tuple[Polygon, ...]) -> str:
    """By steps from corner to corner, which are short: about 300 bytes for a ventricle."""
    return "".join(map(_steps, polygons))


def _steps(polygon: Polygon) -> str:
    text = f"M{polygon[0]} {polygon[1]}"
    steps = [b - a for a, b in zip(polygon, polygon[2:], strict=False)]
    # The path of a single pixel needs a line, or there is nothing to draw.
    words = "".join(f"{step}" if step < 0 else f" {step}" for step in steps or [0, 0])
    return f"{text}l{words.removeprefix(' ')}z"
