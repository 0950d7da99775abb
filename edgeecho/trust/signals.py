"""What is measured of a video before anybody believes its EF.

Everything here is computed from what the answer needs anyway: the decoded cine, the frames that
the network is shown, and what it said of its clips. Nothing is judged here; `gates.py` does that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.cine import Cine
from edgeecho.preprocess import Prepared, PreprocessSpec, VideoFacts

GRID = 14
"""Rows and columns of the coarse pictures: 8x8 pixels a cell, so that speckle averages out and
chambers stay."""
# More frames than these say nothing new of a picture's mean, and cost time.
_MOST_FRAMES = 512
# In grey levels; below it the logarithm is nearly linear.
_KNEE = 4.0
# In grey levels: what is nearly black changes by a large share for no reason.
_DARK = 8.0
# In grey levels, as mean over time. The black beside a sector stays below it after JPEG.
_LIT = 4.0

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Signals:
    """Measurements of one video; frames are those that the network is shown, unless said."""

    frames: int
    """At the model's time base."""
    window: int
    """Frames that a clip spans."""
    fps: float | None
    """Of the file, in frames/s; None: unknown."""
    fps_source: str
    why_no_rate: str
    """Where `fps` is None: what is the matter."""
    fps_doubt: str | None
    """Two statements of the file on it that contradict each other."""
    video_s: float | None
    """Seconds from the first to the last decoded frame."""
    heart_rate_bpm: float | None
    """None: no period found, or the rate of the frames is unknown."""
    beats_per_clip: float | None
    sound: float
    """Share of the file's frames that were decoded and fit their neighbours, 0 to 1."""
    lit: float
    """Share of the picture that is not black, 0 to 1."""
    moves: float
    """How much the coarse picture of the decoded frames moves, noise left out, in grey levels; see
    `_moves`."""
    contrast: float
    """Between the bright and the dark tenth of what is lit, in grey levels."""
    statistics: Floats
    """`(7,)` mean and standard deviation of R, G and B, and colourfulness, in grey levels."""
    picture: Floats
    """`(2 * GRID * GRID,)` mean and standard deviation over time of the coarse picture, as
    log(1 + grey / 4): how bright a sector is matters less than where it is."""
    several_sectors: str | None = None
    """Where more than one moves in the picture, see `Sector.several`."""
    clip_sd: float | None = None
    """Standard deviation over the clips in EF points; None for a single clip."""
    embedding: Floats | None = None
    """`(d,)` mean over the clips of what the network's last layer is given."""

    @property
    def changing(self) -> float:
        """Share of its brightness by which a twentieth of the lit cells change at least.

        What a wall sweeps over turns from tissue to blood and back; tissue that only slides does
        not. As a share, it does not depend on the gain.
        """
        mean, sd = _KNEE * np.expm1(self.picture).reshape(2, -1)
        lit = mean > _LIT
        if not lit.any():
            return 0.0
        return float(np.percentile(sd[lit] / (mean[lit] + _DARK), 95))

    @property
    def beats(self) -> float | None:
        """Heart beats in the whole video, where both are known."""
        if self.video_s is None or self.heart_rate_bpm is None:
            return None
        return self.video_s * self.heart_rate_bpm / 60

    def with_clips(self, efs: Floats, embeddings: Floats | None) -> Signals:
        """With what the network said of `n` clips: `(n,)` in % and `(n, d)`, where it has one."""
        return replace(
            self,
            clip_sd=float(np.std(efs, ddof=1)) if len(efs) > 1 else None,
            embedding=None if embeddings is None else embeddings.mean(axis=0),
        )


def measure(cine: Cine, prepared: Prepared, facts: VideoFacts, spec: PreprocessSpec) -> Signals:
    """Look at a video that was prepared; what the clips say is added by `with_clips`."""
    chosen = np.unique(np.linspace(0, len(prepared.frames) - 1, _MOST_FRAMES).astype(np.intp))
    frames = prepared.frames[chosen] if len(chosen) < len(prepared.frames) else prepared.frames
    grey = _coarse(frames)
    mean = frames.mean(axis=0, dtype=np.float32)
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
        lit=float((mean.mean(axis=-1) > _LIT).mean()),
        moves=_moves(_moving(prepared, facts)),
        contrast=_contrast(mean.mean(axis=-1)),
        statistics=_statistics(frames),
        several_sectors=prepared.sector.several if prepared.sector else None,
        picture=np.log1p(np.stack([grey.mean(axis=0), grey.std(axis=0)]).ravel() / _KNEE),
    )


def _coarse(frames: NDArray[np.uint8]) -> Floats:
    """`(T, S, S, 3)` -> `(T, GRID, GRID)` mean grey of each cell."""
    small = np.empty((len(frames), GRID, GRID, 3), np.float32)
    for frame, target in zip(frames, small, strict=True):
        # As float: a cell's mean must not be rounded to whole grey levels before it is averaged.
        cv2.resize(frame.astype(np.float32), (GRID, GRID), target, interpolation=cv2.INTER_AREA)
    return np.asarray(small.mean(axis=-1), np.float32)


def _moving(prepared: Prepared, facts: VideoFacts) -> Floats:
    """Neighbours as they were decoded, less those that repeat the one before.

    Repeated frames, which resampling makes too, would pass noise off as motion that lasts.
    """
    frames = prepared.fitted[:_MOST_FRAMES]
    kept = np.ones(len(frames), bool)
    kept[[index for index in facts.repeated_frames if index < len(frames)]] = False
    return _coarse(frames[kept])


def _moves(grey: Floats) -> float:
    """How much a tenth of the cells move at least, beyond noise.

    Noise that is new in every frame has half the mean squared step between neighbours as its
    variance (von Neumann, Ann. Math. Stat. 1941;12:367); what a cell's variance exceeds that by is
    motion that lasts. So a still with fresh noise or JPEG artefacts in every frame moves by 0.
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
    mean, sd = cv2.meanStdDev(frames.reshape(-1, frames.shape[2], 3))
    red, green, blue = np.moveaxis(frames, -1, 0)
    most, least = (f(f(red, green), blue) for f in (np.maximum, np.minimum))
    return np.array([*mean[:, 0], *sd[:, 0], (most - least).mean(dtype=np.float64)], np.float32)
