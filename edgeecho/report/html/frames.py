"""Frames in the page: one picture per video, from which player and contact sheet draw."""

from __future__ import annotations

import base64
from html import escape

from edgeecho.report.html.contours import overlay, paths_of
from edgeecho.results.pictures import Pictures

UNKNOWN_FPS = 25.0
"""Speed of the player if the frame rate is unknown."""
_UNMASKED = ("central square", "--crop")
_TOGGLE = (
    '<button type="button" class="toggle" aria-pressed="true" aria-keyshortcuts="c">'
    "Contour (C)</button>"
)


def sprite(pictures: Pictures, number: int) -> str:
    """The picture itself, hidden; `<use>` shows parts of it without a script."""
    width, height = pictures.sprite_size
    data = base64.b64encode(pictures.sprite).decode()
    return (
        '<svg class="sprite" width="0" height="0" aria-hidden="true"><defs>'
        f'<image id="frames-{number}" width="{width}" height="{height}" '
        f'href="data:image/jpeg;base64,{data}"/></defs></svg>'
    )


def player(pictures: Pictures, number: int, name: str, area: str) -> str:
    """A canvas with a button and a slider; without a script, the middle clip's first frame.

    `area` is the part of the image that was used (`VideoFacts.area`).
    """
    shown = [i for i in pictures.clip if i in pictures.indices][:1] or [pictures.indices[0]]
    first = pictures.indices.index(shown[0])
    times = pictures.times_s or [index / UNKNOWN_FPS for index in pictures.indices]
    label = f"Frames of {name} as the network saw them"
    traced = pictures.contours is not None
    contours = f' data-contours="{paths_of(pictures)}"' if traced else ""
    return (
        f'<figure class="player" data-frames="{" ".join(map(str, pictures.indices))}" '
        f'data-times="{" ".join(f"{t:.4f}" for t in times)}" data-columns="{pictures.columns}" '
        f'data-cell="{pictures.cell}" data-timed="{int(pictures.times_s is not None)}"{contours}>'
        f'<div class="view">{cut(pictures, shown[0], number, label)}'
        f'<canvas width="{pictures.size}" height="{pictures.size}" role="img" '
        f'aria-label="{escape(label)}" hidden></canvas>{overlay(pictures, shown[0])}</div>'
        '<div class="controls" hidden><button type="button">Play</button>'
        f'<input type="range" min="0" max="{len(pictures.indices) - 1}" value="{first}" '
        f'aria-label="Frame"><output></output>{_TOGGLE if traced else ""}</div>'
        f"<figcaption>{_caption(pictures, area)}</figcaption></figure>"
    )


def contact_sheet(pictures: Pictures, number: int) -> str:
    """Every frame of the middle clip with its number and time."""
    inside = [index for index in pictures.clip if index < pictures.total]
    items = "".join(f"<li>{_tile(pictures, index, number)}</li>" for index in inside)
    if padding := len(pictures.clip) - len(inside):
        items += f'<li><span class="padding">{padding} × mean grey</span></li>'
    return f'<ol class="sheet">{items}</ol>'


def _tile(pictures: Pictures, index: int, number: int) -> str:
    time = ""
    if pictures.times_s is not None:
        time = f"{pictures.times_s[pictures.indices.index(index)]:.2f} s"
    label = f"Frame {index}" + (f", {time}" if time else "")
    return (
        cut(pictures, index, number, label)
        + f'<span aria-hidden="true"><b>{index}</b> <span class="soft">{time}</span></span>'
    )


def cut(pictures: Pictures, index: int, number: int, label: str, over: str = "") -> str:
    """A frame; `over` is drawn over it, in the pixels of the sprite."""
    x, y = pictures.corner(index)
    return (
        f'<svg class="frame" viewBox="{x} {y} {pictures.size} {pictures.size}" role="img" '
        f'aria-label="{escape(label)}"><use href="#frames-{number}"/>{over}</svg>'
    )


def _caption(pictures: Pictures, area: str) -> str:
    shown = len(pictures.indices)
    words = "What the network saw: cut out, resized"
    if shown < pictures.total:
        words += f"; {shown} of {pictures.total} frames, to keep this page small"
    if pictures.times_s is None:
        words += f"; frame rate unknown, shown at {UNKNOWN_FPS:g} frames/s"
    if pictures.contours is not None:
        words += ". Line: the left ventricle as traced in the frame that is shown"
        if any(contour.others for contour in pictures.contours):
            words += "; thin: parts that do not count"
    if area in _UNMASKED:
        words += ". Nothing was masked: text on the image, a name perhaps, may be seen"
    return f"{words}."
