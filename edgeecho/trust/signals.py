"""Measurements of a video for the gates.

All are computed from what the EF needs anyway: the decoded cine, the frames for the network, and
its outputs for the clips. Nothing is judged here; the gates do that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeecho.beats import Beats
from edgeecho.cine import Cine
from edgeecho.preprocess import Prepared, PreprocessSpec, VideoFacts
from edgeecho.trust.difficulty import Hints
from edgeecho.trust.picture import (
    DARK,
    KNEE,
    LIT,
    Floats,
    bright_changes,
    coarse,
    contrast,
    flicker,
    mean_grey,
    motion,
    statistics,
)
from edgeecho.trust.shape import ShapeSignals
from edgeecho.trust.texture import texture
from edgeecho.trust.time import TimeSignals
from edgeecho.trust.traced import TracedSignals

LEAST_MOTION = 2.0
"""In grey levels, see `Signals.moves`; phantoms have 6 or more, a still with noise below 0.5."""
# More frames add nothing to a picture's mean, and cost time.
_MOST_FRAMES = 512


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
    `motion`."""
    contrast: float
    """Difference between the brightest and darkest tenths of the lit pixels, in grey levels."""
    statistics: Floats
    """`(7,)` mean and standard deviation of R, G and B, and colourfulness, in grey levels."""
    picture: Floats
    """`(2 * GRID * GRID,)` mean and standard deviation over time of the coarse picture, as
    log(1 + grey / 4), because the position of a sector matters more than its brightness."""
    texture: Floats
    """`(texture.SIZE,)` the grain of the picture, see `texture`."""
    other_view: str | None = None
    """The view that the file declares and what declares it, if it is no apical four chamber."""
    repeated: float = 0.0
    """Share of the decoded frames that show the same picture as the one before, 0 to 1."""
    flicker: float = 0.0
    """Share of the motion that is one of the whole picture's brightness; see `flicker`."""
    bright_changes: float = 1.0
    """See `bright_changes`."""
    shape: ShapeSignals | None = None
    """None if nothing is lit."""
    time: TimeSignals | None = None
    """None if there are too few frames, or their rate is unknown."""
    several_sectors: str | None = None
    """See `Sector.several`."""
    clip_sd: float | None = None
    """Standard deviation over the clips in EF points; None for a single clip."""
    embedding: Floats | None = None
    """`(d,)` input of the network's last layer, mean over the clips; None before `with_clips`."""
    ef: float | None = None
    """The network's, mean over the clips in %; None before `with_clips`."""
    traced: TracedSignals | None = None
    """What the masks say; None if none were made, or no EF is traced in them."""

    @property
    def still(self) -> bool:
        """Whether nothing moves as a heart does: then nothing can be told from motion or time."""
        return self.moves < LEAST_MOTION

    @property
    def changing(self) -> float:
        """Relative change over time that a twentieth of the lit cells reach or exceed.

        Where a wall moves, a cell changes from tissue to blood and back; tissue that only slides
        does not change like that. As a share of the brightness, it does not depend on the gain.
        """
        mean, sd = KNEE * np.expm1(self.picture).reshape(2, -1)
        lit = mean > LIT
        if not lit.any():
            return 0.0
        return float(np.percentile(sd[lit] / (mean[lit] + DARK), 95))

    @property
    def disagreement(self) -> float | None:
        """Between the network's EF and the traced one, in EF points; None without one of them."""
        return None if self.ef is None else self.hints(self.ef).disagreement

    def hints(self, ef: float) -> Hints:
        """What tells how far an EF in % of this video may be off."""
        traced = self.traced.ef if self.traced else None
        return Hints(ef, self.clip_sd, self.heart_rate_bpm, traced)

    def with_clips(self, efs: Floats, embeddings: Floats) -> Signals:
        """Add the network's outputs for `n` clips: EFs `(n,)` in % and embeddings `(n, d)`."""
        return replace(
            self,
            clip_sd=float(np.std(efs, ddof=1)) if len(efs) > 1 else None,
            embedding=embeddings.mean(axis=0),
            ef=float(efs.mean(dtype=np.float64)),
        )

    def with_traced(self, beats: Beats) -> Signals:
        """Add what the masks say."""
        return replace(self, traced=TracedSignals.of(beats))


def measure(cine: Cine, prepared: Prepared, facts: VideoFacts, spec: PreprocessSpec) -> Signals:
    """Measure a prepared video; `with_clips` adds the network's outputs later."""
    chosen = np.unique(np.linspace(0, len(prepared.frames) - 1, _MOST_FRAMES).astype(np.intp))
    frames = prepared.frames[chosen] if len(chosen) < len(prepared.frames) else prepared.frames
    grey, moving = coarse(prepared.fitted, prepared.source[chosen], _moving(prepared, facts))
    mean = mean_grey(frames)
    claimed, view = len(cine.frames) + cine.missing, cine.view
    examined = min(len(prepared.fitted), _MOST_FRAMES)
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
        lit=float((mean > LIT).mean()),
        moves=motion(moving),
        flicker=flicker(moving),
        contrast=contrast(mean),
        statistics=statistics(frames),
        other_view=f"{view.name} ({view.source})" if view and view.other else None,
        bright_changes=bright_changes(frames),
        shape=ShapeSignals.of(mean),
        repeated=1 - len(moving) / examined,
        time=TimeSignals.of(prepared.fitted, cine.fps, prepared.distances),
        several_sectors=prepared.sector.several if prepared.sector else None,
        picture=np.log1p(np.stack([grey.mean(axis=0), grey.std(axis=0)]).ravel() / KNEE),
        texture=texture(prepared.frames),
    )


def _moving(prepared: Prepared, facts: VideoFacts) -> NDArray[np.intp]:
    """The decoded frames without repeated ones.

    Repeated frames, which resampling produces too, would make noise look like lasting motion.
    """
    first = np.arange(min(len(prepared.fitted), _MOST_FRAMES))
    return np.setdiff1d(first, facts.repeated_frames)
