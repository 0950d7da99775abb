"""What is known of a video after it was read and prepared: the facts that results report."""

from __future__ import annotations

from dataclasses import dataclass

from edgeecho.cine import Cine
from edgeecho.preprocess.motion import find_motion
from edgeecho.preprocess.prepare import Prepared
from edgeecho.preprocess.spec import PreprocessSpec


@dataclass(frozen=True)
class VideoFacts:
    """Plain values; frames are numbered from 0 as decoded."""

    container: str
    codec: str
    width: int
    """Pixels of the decoded picture, made square."""
    height: int
    """Pixels of the decoded picture, made square."""
    pixel_aspect: float
    """Width by height of a pixel in the file, see `Cine.pixel_aspect`."""
    frames: int
    """Decoded frames."""
    fps: float | None
    """Frames/s as used; None: unknown."""
    fps_source: str
    damage: tuple[str, ...]
    """What is missing or contradictory in the file."""
    notes: tuple[str, ...]
    """What the file says oddly, and what was made of it."""
    deinterlaced_frames: int
    """So many frames were made of two fields, see `Cine.deinterlaced`."""
    repeated_frames: tuple[int, ...]
    """Frames that show the same picture as the one before."""
    odd_frames: tuple[int, ...]
    """Single frames that fit neither neighbour."""
    heart_rate_bpm: float | None
    """Estimated from periodic motion."""
    area: str
    """`whole`, `central square`, or how the sector was found."""
    square: tuple[int, int, int] | None
    """x, y and side in pixels of the square that was cut out; None: `whole`, `central square`."""
    fill: float | None
    """Share of that square that is sector."""
    sectors: int
    """Moving sectors in the picture; 0 where none was found or looked for."""
    still_pictures: int
    """Pictures beside them that stand still."""
    time: str
    """`native` or `resample(FPS)`."""
    clip_s: float | None
    """Seconds that a clip spans; None where the frame rate is unknown."""

    @property
    def beats_per_clip(self) -> float | None:
        """Heart beats in a clip, where both are known."""
        if self.clip_s is None or self.heart_rate_bpm is None:
            return None
        return self.clip_s * self.heart_rate_bpm / 60

    @classmethod
    def of(cls, cine: Cine, prepared: Prepared, spec: PreprocessSpec) -> VideoFacts:
        """Collect them, and look at how the frames move."""
        count, height, width = cine.frames.shape[:3]
        sector, motion = prepared.sector, find_motion(prepared.fitted, cine.fps)
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
        )
