"""Encoding frames for a report: a few hundred kilobytes per video, however long it is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.beats import Beats
from edgeecho.inference import EFEstimate
from edgeecho.preprocess import Prepared
from edgeecho.results.contours import Contour
from edgeecho.results.typical import frames_of, typical_first

MOST_FRAMES = 256
"""Maximum number of frames of one video: 5 s at 50 frames/s."""
_MOST_OF_A_PAGE = 4000
# Frames of 112 px take 1.5 kB (a real cine) to 3 kB (phantoms, all speckle), and a third more as
# Base64 in a page: 4000 frames are 8 to 16 MB.
_QUALITY = 85
_COLUMNS = 16
# JPEG's block size: frames aligned to blocks do not bleed into their neighbours.
_BLOCK = 16


def frames_each(files: int) -> int:
    """Number of frames per video on a page with so many videos; 0 if too few to be useful."""
    share = min(MOST_FRAMES, _MOST_OF_A_PAGE // max(files, 1))
    return share if share >= 32 else 0


@dataclass(frozen=True)
class Pictures:
    """Frames as the network saw them, never the original, which may have text burned in.

    Frames are numbered from 0 at the model's frame rate, as in clips.
    """

    sprite: bytes
    """JPEG with a frame at the upper left of each cell of `cell` x `cell` pixels, row by row."""
    size: int
    """Height and width of a frame in pixels."""
    cell: int
    columns: int
    indices: tuple[int, ...]
    """Number of the frame in each cell, increasing."""
    times_s: tuple[float, ...] | None
    """Times of these frames in s; None if the frame rate is unknown."""
    total: int
    """Number of frames in the video; those not in `indices` were left out."""
    clip: tuple[int, ...]
    """Frame numbers of the middle clip that was run; from `total` on they are padding."""
    place: int
    """Index of that clip, from 0."""
    contours: tuple[Contour, ...] | None = None
    """The left ventricle in each of these frames; None if it was not traced."""

    @classmethod
    def of(cls, prepared: Prepared, answer: EFEstimate, most: int = MOST_FRAMES) -> Pictures:
        """Take about `most` frames, evenly spread, but always all frames of the middle clip, and
        end diastole and end systole of one beat at least.
        """
        spec = answer.model.preprocess
        total = len(prepared.frames)
        place = (len(answer.clip_starts) - 1) // 2
        clip = answer.clip_starts[place] + np.arange(spec.frames) * spec.period
        inside = clip[clip < total]
        traced = answer.traced
        if traced is not None:
            shown = _of_beats(traced.beats, (most - len(inside)) // 2)
            inside = np.union1d(inside, np.array(shown, inside.dtype))
        step = -(-total // max(most - len(inside), 1)) if total > most else 1
        chosen = np.union1d(np.arange(clip[0] % step, total, step), inside)
        times = prepared.times_s[chosen]
        size = prepared.frames.shape[1]
        columns = min(_COLUMNS, len(chosen))
        return cls(
            sprite=_encode(_grid(prepared.frames[chosen], columns)),
            size=size,
            cell=_cell(size),
            columns=columns,
            indices=tuple(chosen.tolist()),
            times_s=tuple(times.tolist()) if np.isfinite(times).all() else None,
            total=total,
            clip=tuple(clip.tolist()),
            place=place,
            contours=None
            if traced is None
            else tuple(Contour.of(traced.mask(i)) for i in chosen.tolist()),
        )

    def corner(self, index: int) -> tuple[int, int]:
        """x and y in pixels of a frame's upper left corner in the sprite."""
        row, column = divmod(self.indices.index(index), self.columns)
        return column * self.cell, row * self.cell

    @property
    def sprite_size(self) -> tuple[int, int]:
        """Width and height of the sprite in pixels."""
        return self.columns * self.cell, -(-len(self.indices) // self.columns) * self.cell


def _of_beats(beats: Beats, room: int) -> list[int]:
    """ED and ES of the most typical beat, and of as many more as there is room for."""
    chosen: list[int] = []
    for number in typical_first(beats):
        frames = frames_of(beats.found[number])
        if chosen and len(chosen) + len(frames) > room:
            break
        chosen += frames
    return chosen


def _cell(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _grid(frames: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    count, size = frames.shape[:2]
    rows, cell = -(-count // columns), _cell(size)
    grid = np.zeros((rows * columns, cell, cell, 3), np.uint8)
    grid[:count] = np.pad(frames, ((0, 0), *((0, cell - size),) * 2, (0, 0)), mode="edge")
    grid = grid.reshape(rows, columns, cell, cell, 3).swapaxes(1, 2)
    return grid.reshape(rows * cell, columns * cell, 3)


def _encode(picture: NDArray[np.uint8]) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return data.tobytes()
