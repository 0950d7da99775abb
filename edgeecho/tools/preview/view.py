"""The original with the crop drawn in, and the frames of one clip."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.cine import Cine
from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.errors import UsageError
from edgeecho.inference import Traced
from edgeecho.preprocess import ClipMode, Prepared, PreprocessSpec, clip_starts

Image = NDArray[np.uint8]

INK = (235, 235, 235)
PAPER = (24, 24, 27)
_SQUARE = (250, 204, 21)
_OUTLINE = (56, 189, 248)


@dataclass(frozen=True, eq=False)
class Preview:
    """A prepared video beside its original, and one clip of it."""

    cine: Cine
    prepared: Prepared
    spec: PreprocessSpec
    start: int
    """First frame of the clip, counted at the model's frame rate."""
    traced: Traced | None = None
    """What is drawn over the network's view in a movie."""

    @classmethod
    def of(
        cls,
        cine: Cine,
        prepared: Prepared,
        spec: PreprocessSpec,
        start: int | None = None,
        traced: Traced | None = None,
    ) -> Preview:
        """Take the clip at `start`, or the central one; `UsageError` if no clip begins there."""
        starts = clip_starts(len(prepared.frames), spec, ClipMode("all"))
        if start is None:
            start = int(starts[(len(starts) - 1) // 2])
        if start not in starts:
            raise UsageError(f"no clip begins at frame {start}: choose 0 to {starts[-1]}")
        return cls(cine, prepared, spec, start, traced)

    @property
    def clip_frames(self) -> list[int]:
        """The clip's frames at the model's frame rate; those beyond the end are padding."""
        return [self.start + i * self.spec.period for i in range(self.spec.frames)]

    def clip_frame(self, index: int) -> Image:
        """A frame `(S, S, 3)` as the network sees it; beyond the end it is mean grey."""
        if index < len(self.prepared.frames):
            frame: Image = self.prepared.frames[index]
            return frame
        grey = np.rint(self.spec.mean).astype(np.uint8)
        return np.broadcast_to(grey, self.prepared.frames.shape[1:]).copy()

    def original(self, index: int, height: int) -> Image:
        """The original of frame `index`, scaled to `height` pixels, with the crop drawn in."""
        source = self.cine.frames[self.prepared.source[index]]
        scale = height / source.shape[0]
        width = max(1, round(source.shape[1] * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture = cv2.resize(source, (width, height), interpolation=method)
        sector = self.prepared.sector
        if sector is not None:
            outline = np.rint(sector.outline * scale).astype(np.int32)
            cv2.polylines(picture, [outline], True, _OUTLINE, 1, cv2.LINE_AA)
        cv2.rectangle(picture, *_corners(self._square(), scale), _SQUARE, 1)
        return np.asarray(picture, np.uint8)

    def caption(self) -> str:
        """A line of ASCII text on how the video was prepared."""
        prepared = self.prepared
        rate = "frame rate unknown" if prepared.fps is None else f"{prepared.fps:.1f} frames/s"
        return f"{prepared.area}; {prepared.time}, {rate}. {RESEARCH_USE}"

    def _square(self) -> tuple[int, int, int]:
        if self.prepared.sector is not None:
            return self.prepared.sector.square
        height, width = self.cine.frames.shape[1:3]
        side = min(height, width)
        return (width - side) // 2, (height - side) // 2, side


def write_text_on(picture: Image, text: str, at: tuple[int, int], size: float = 0.4) -> None:
    """Draw ASCII text into `picture`; `at` is its lower left corner (x, y)."""
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, INK, 1, cv2.LINE_AA)


def _corners(square: tuple[int, int, int], scale: float) -> tuple[tuple[int, int], tuple[int, int]]:
    x, y, side = square
    return (round(x * scale), round(y * scale)), (
        round((x + side) * scale) - 1,
        round((y + side) * scale) - 1,
    )
