"""Preview as a contact sheet: the original with the crop, then every frame of a clip."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from edgeecho.common.files import atomic_path
from edgeecho.tools.preview.view import PAPER, Image, Preview, write_text_on

_COLUMNS = 8
_GAP = 6
_LABEL = 16
_TOP = 420


def write_sheet(path: Path, view: Preview) -> None:
    """Write a PNG file atomically. Raises `OutputError`."""
    with atomic_path(path) as temporary:
        Pillow.fromarray(draw_sheet(view)).save(temporary, format="PNG")


def draw_sheet(view: Preview) -> Image:
    """The sheet as RGB `(H, W, 3)`.

    It has the original, the same frame as the network sees it, and the clip's frames unscaled.
    """
    tiles = [_tile(view, index) for index in view.clip_frames]
    high, wide = tiles[0].shape[:2]
    rows = -(-len(tiles) // _COLUMNS)
    first = min(view.start, len(view.prepared.frames) - 1)
    original = view.original(first, _TOP)
    seen = cv2.resize(view.clip_frame(first), (_TOP, _TOP), interpolation=cv2.INTER_NEAREST)
    across = max(original.shape[1] + _GAP + _TOP, _COLUMNS * wide + (_COLUMNS - 1) * _GAP)
    top = _TOP + 2 * _GAP + _LABEL
    down = top + rows * (high + _GAP) + _LABEL + _GAP
    sheet = np.full((down, across + 2 * _GAP, 3), PAPER, np.uint8)
    for picture, x in ((original, _GAP), (seen, 2 * _GAP + original.shape[1])):
        sheet[_GAP : _GAP + _TOP, x : x + picture.shape[1]] = picture
    write_text_on(sheet, f"frame {view.prepared.source[first]} of the file", (_GAP, top - _GAP))
    for place, tile in enumerate(tiles):
        row, column = divmod(place, _COLUMNS)
        y, x = top + row * (high + _GAP), _GAP + column * (wide + _GAP)
        sheet[y : y + high, x : x + wide] = tile
    write_text_on(sheet, view.caption(), (_GAP, down - _GAP))
    return sheet


def _tile(view: Preview, index: int) -> Image:
    frame = view.clip_frame(index)
    tile = np.full((frame.shape[0] + _LABEL, frame.shape[1], 3), PAPER, np.uint8)
    tile[: frame.shape[0]] = frame
    if index < len(view.prepared.frames):
        time = view.prepared.times_s[index]
        text = f"{index}" + (f"  {time:.2f} s" if np.isfinite(time) else "")
    else:
        text = "padding"
    write_text_on(tile, text, (2, tile.shape[0] - 4), 0.38)
    return tile
