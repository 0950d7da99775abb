"""Facts about a video that results report."""

from __future__ import annotations

from dataclasses import dataclass

from edgeecho.cine import Cine
from edgeecho.preprocess.motion import motion_of
from edgeecho.preprocess.prepare import Prepared
from edgeecho.preprocess.spec import PreprocessSpec


@dataclass(frozen=True)
class VideoFacts:
    """What is known about a video after preprocessing. Frames are numbered from 0 as decoded."""

    container: str
    codec: str
    width: int
    """Width of the decoded frames in square pixels."""
    height: int
    """Height of the decoded frames in square pixels."""
    pixel_aspect: float
    """See `Cine.pixel_aspect`."""
    frames: int
    """Number of decoded frames."""
    fps: float | None
    """Frame rate as used, in frames/s; None if unknown."""
    fps_source: str
    damage: tuple[str, ...]
    """What is missing or contradictory in the file."""
    notes: tuple[str, ...]
    """Oddities of the file and how they were handled."""
    deinterlaced_frames: int
    """See `Cine.deinterlaced`."""
    repeated_frames: tuple[int, ...]
    """Frames that show the same picture as the one before."""
    odd_frames: tuple[int, ...]
    """Single frames that fit neither neighbour."""
    heart_rate_bpm: float | None
    """Estimated from periodic motion; None if unknown."""
    area: str
    """`whole`, `central square`, or how the sector was found."""
    square: tuple[int, int, int] | None
    """x, y and side in pixels of the crop; None for `whole` and `central square`."""
    fill: float | None
    """Share of that square that is sector, 0 to 1."""
    sectors: int
    """Number of moving sectors; 0 if none was found or searched for."""
    still_pictures: int
    """Number of pictures beside them that do not move."""
    time: str
    """`native` or `resample(FPS)`."""
    clip_s: float | None
    """Seconds that a clip spans; None if the frame rate is unknown."""
    view: str | None = None
    """The view that the file declares, one of `cine.views.NAMES`; None if it declares none."""
    view_source: str | None = None
    """The attribute that declares it."""

    @property
    def beats_per_clip(self) -> float | None:
        """Heart beats in a clip; None if its duration or the heart rate is unknown."""
        if self.clip_s is None or self.heart_rate_bpm is None:
            return None
        return self.clip_s * self.heart_rate_bpm / 60

    @property
    def beats(self) -> float | None:
        """Heart beats in the whole video; None if its frame rate or the heart rate is unknown."""
        return heart_beats(self.frames, self.fps, self.heart_rate_bpm)

    @classmethod
    def of(cls, cine: Cine, prepared: Prepared, spec: PreprocessSpec) -> VideoFacts:
        """Collect the facts, and measure the motion of the frames."""
        count, height, width = cine.frames.shape[:3]
        sector, motion = prepared.sector, motion_of(prepared.distances, cine.fps)
        return cls(
            container=cine.container,
            codec=cine.codec,
            width=width,
            height=height,
            pixel_aspect=cine.pixel_aspect,
            frames=count,
            fps=cine.fps,
            fps_source=cine.fps_source,
            damage=cine.damage,
            notes=(*cine.notes, *cine.fps_notes, *prepared.notes),
            deinterlaced_frames=cine.deinterlaced,
            repeated_frames=motion.repeated,
            odd_frames=motion.odd,
            heart_rate_bpm=motion.heart_rate_bpm,
            area=prepared.area,
            square=sector.square if sector else None,
            fill=sector.fill if sector else None,
            sectors=len(sector.choices) if sector else 0,
            still_pictures=sector.still if sector else 0,
            time=prepared.time,
            clip_s=spec.window / prepared.fps if prepared.fps else None,
            view=cine.view.name if cine.view else None,
            view_source=cine.view.source if cine.view else None,
        )


def heart_beats(frames: int, fps: float | None, heart_rate_bpm: float | None) -> float | None:
    """Heart beats in so many frames; None if frame rate (frames/s) or heart rate is unknown."""
    if fps is None or heart_rate_bpm is None:
        return None
    return frames / fps * heart_rate_bpm / 60
