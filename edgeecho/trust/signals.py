"""Measurements of a video for the gates.

All are computed from what the EF needs anyway: the decoded cine, the frames for the network, and
its outputs for the clips. Nothing is judged here; the gates do that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.cine import Cine
from edgeecho.preprocess import IN_CACHE, Prepared, PreprocessSpec, VideoFacts

GRID = 14
"""Rows and columns of the coarse pictures: 8x8 pixels per cell average speckle out and keep
chambers."""
# More frames add nothing to a picture's mean, and cost time.
_MOST_FRAMES = 512
# In grey levels; below it the logarithm is nearly linear.
_KNEE = 4.0
# In grey levels; added to the brightness, since noise in near black is a large share of it.
_DARK = 8.0
# In grey levels, mean over time. The black beside a sector stays below it after JPEG.
_LIT = 4.0

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Signals:
    """Measurements of one video, on the frames that the network sees unless stated otherwise."""

    frames: int
    """Number of frames at the model's frame rate."""
    window: int
    """Number of frames that a clip spans."""
    fps: float | None
    """Frame rate of the file in frames/s; None if unknown."""
    fps_source: str
    why_no_rate: str
    """Why `fps` is None."""
    fps_doubt: str | None
    """Two contradictory statements about the frame rate."""
    video_s: float | None
    """Seconds from the first to the last decoded frame."""
    heart_rate_bpm: float | None
    """None if no period was found or the frame rate is unknown."""
    beats_per_clip: float | None
    sound: float
    """Share of the file's frames that were decoded and fit their neighbours, 0 to 1."""
    lit: float
    """Share of the picture that is not black, 0 to 1."""
    moves: float
    """Motion of the coarse picture of the decoded frames without noise, in grey levels; see
    `_moves`."""
    contrast: float
    """Difference between the brightest and darkest tenths of the lit pixels, in grey levels."""
    statistics: Floats
    """`(7,)` mean and standard deviation of R, G and B, and colourfulness, in grey levels."""
    picture: Floats
    """`(2 * GRID * GRID,)` mean and standard deviation over time of the coarse picture, as
    log(1 + grey / 4), because the position of a sector matters more than its brightness."""
    several_sectors: str | None = None
    """See `Sector.several`."""
    clip_sd: float | None = None
    """Standard deviation over the clips in EF points; None for a single clip."""
    embedding: Floats | None = None
    """`(d,)` input of the network's last layer, mean over the clips; None before `with_clips`."""

    @property
    def changing(self) -> float:
        """Relative change over time that a twentieth of the lit cells reach or exceed.

        Where a wall moves, a cell changes from tissue to blood and back; tissue that only slides
        does not change like that. As a share of the brightness, it does not depend on the gain.
        """
        mean, sd = _KNEE * np.expm1(self.picture).reshape(2, -1)
        lit = mean > _LIT
        if not lit.any():
            return 0.0
        return float(np.percentile(sd[lit] / (mean[lit] + _DARK), 95))

    def with_clips(self, efs: Floats, embeddings: Floats) -> Signals:
        """Add the network's outputs for `n` clips: EFs `(n,)` in % and embeddings `(n, d)`."""
        return replace(
            self,
            clip_sd=float(np.std(efs, ddof=1)) if len(efs) > 1 else None,
            embedding=embeddings.mean(axis=0),
        )


def measure(cine: Cine, prepared: Prepared, facts: VideoFacts, spec: PreprocessSpec) -> Signals:
    """Measure a prepared video; `with_clips` adds the network's outputs later."""
    chosen = np.unique(np.linspace(0, len(prepared.frames) - 1, _MOST_FRAMES).astype(np.intp))
    frames = prepared.frames[chosen] if len(chosen) < len(prepared.frames) else prepared.frames
    grey, moving = _coarse(prepared.fitted, prepared.source[chosen], _moving(prepared, facts))
    mean = _mean(frames)
    claimed = len(cine.frames) + cine.missing
    return Signals(
        frames=len(prepared.frames),
        window=spec.window,
        fps=cine.fps,
        fps_source=cine.fps_source,
        why_no_rate=cine.why_no_rate,
        fps_doubt=cine.fps_doubt,
        video_s=(len(cine.frames) - 1) / cine.fps if cine.fps else None,
        heart_rate_bpm=facts.heart_rate_bpm,
        beats_per_clip=facts.beats_per_clip,
        sound=(len(cine.frames) - len(facts.odd_frames)) / claimed,
        lit=float((mean > _LIT).mean()),
        moves=_moves(moving),
        contrast=_contrast(mean),
        statistics=_statistics(frames),
        several_sectors=prepared.sector.several if prepared.sector else None,
        picture=np.log1p(np.stack([grey.mean(axis=0), grey.std(axis=0)]).ravel() / _KNEE),
    )


def _coarse(frames: NDArray[np.uint8], *selections: NDArray[np.intp]) -> list[Floats]:
    """Mean grey of each cell: `(T, S, S, 3)` -> `(n, GRID, GRID)` for each selection of frames."""
    needed, places = np.unique(np.concatenate(selections), return_inverse=True)
    size = frames.shape[1]
    # A cell's columns, if it has whole ones, are added up before anything becomes a float.
    columns = size // GRID if size % GRID == 0 else 1
    grey = np.empty((len(needed), GRID, GRID), np.float32)
    for place, target in zip(needed, grey, strict=True):
        rows = frames[place].reshape(-1, columns * 3)
        sums = cv2.reduce(rows, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).astype(np.float32)
        cv2.resize(sums.reshape(size, -1), (GRID, GRID), target, interpolation=cv2.INTER_AREA)
    grey /= columns * 3
    return np.split(grey[places], np.cumsum([len(chosen) for chosen in selections])[:-1])


def _moving(prepared: Prepared, facts: VideoFacts) -> NDArray[np.intp]:
    """The decoded frames without repeated ones.

    Repeated frames, which resampling produces too, would make noise look like lasting motion.
    """
    first = np.arange(min(len(prepared.fitted), _MOST_FRAMES))
    return np.setdiff1d(first, facts.repeated_frames)


def _mean(frames: NDArray[np.uint8]) -> Floats:
    """Mean grey of each pixel over time: `(T, S, S, 3)` -> `(S, S)`."""
    count, *shape = frames.shape
    sums = cv2.reduce(frames.reshape(count, -1), 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
    red, green, blue = np.moveaxis((sums / np.float32(count)).reshape(shape), -1, 0)
    return np.asarray((red + green + blue) / 3, np.float32)


def _moves(grey: Floats) -> float:
    """Motion beyond noise, in grey levels, that a tenth of the cells reach or exceed.

    The variance of noise that is independent in each frame is half the mean squared difference of
    successive frames (von Neumann, Ann. Math. Stat. 1941;12:367). A cell's variance beyond that is
    lasting motion. So a still with fresh noise or JPEG artefacts in every frame moves by 0.
    """
    if len(grey) < 2:
        return 0.0
    steps = np.square(np.diff(grey, axis=0)).mean(axis=0) / 2
    lasting = np.maximum(grey.var(axis=0) - steps, 0)
    return float(np.sqrt(np.percentile(lasting, 90)))


def _contrast(mean: Floats) -> float:
    lit = mean[mean > _LIT]
    if not lit.size:
        return 0.0
    dark, bright = np.percentile(lit, [10, 90])
    return float(bright - dark)


def _statistics(frames: NDArray[np.uint8]) -> Floats:
    sums = np.zeros((3, 3))
    for first in range(0, len(frames), IN_CACHE):
        some = frames[first : first + IN_CACHE]
        red, green, blue = planes = cv2.split(some.reshape(-1, some.shape[2], 3))
        pairs = (red, green), (green, blue), (blue, red)
        sums += [
            [cv2.norm(plane, cv2.NORM_L1) for plane in planes],
            [cv2.norm(plane, cv2.NORM_L2SQR) for plane in planes],
            [cv2.norm(*pair, cv2.NORM_L1) for pair in pairs],
        ]
    mean, square, difference = sums * 3 / frames.size
    # The largest of three levels minus the smallest is half the sum of their differences.
    return np.array([*mean, *np.sqrt(square - mean**2), difference.sum() / 2], np.float32)
