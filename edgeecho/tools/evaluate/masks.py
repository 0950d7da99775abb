"""What an evaluation keeps of the masks and the beats of one video."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.beats import Moment
from edgeecho.beats.published import ef_of, systoles
from edgeecho.beats.quality import largest_parts
from edgeecho.beats.volumes import shape_of
from edgeecho.dataset.traced import NotUsableError, fit_tracings
from edgeecho.dataset.tracings import Tracing
from edgeecho.inference import EFEstimate, LoadedModel, find_masks
from edgeecho.preprocess import Prepared

NO_CLIP = "no clip for its beats"

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TracedFrame:
    """One traced frame: the network's mask, and the nearest end diastole or end systole."""

    pixels: int
    """Of the network's mask."""
    traced_pixels: int
    common: int
    area: float
    """Error of the area of the mask's largest part, in % of the tracing's."""
    volume: float
    """The same of the volume by 20 discs."""
    late: int | None
    """Frames of the file from here to the nearest that was detected; None if none was."""
    late_ms: float | None
    """None also if the frame rate is unknown."""

    @property
    def dice(self) -> float:
        """Dice coefficient of mask and tracing, 0 to 1."""
        return 2 * self.common / (self.pixels + self.traced_pixels)


@dataclass(frozen=True)
class BeatEF:
    """The network's EF beat by beat, by one rule for beats."""

    beats: int
    """Number of beats that are used."""
    clips: int
    """Number of them that have a clip."""
    ef: float | None
    """Mean over these clips in %; None if there is none, or `--clips` is not `all`."""
    why: str | None
    """Why no beat has a clip; None if one has."""


@dataclass(frozen=True)
class VideoMasks:
    """The masks and the beats of one video."""

    traced: tuple[TracedFrame, TracedFrame] | None
    """End diastole and end systole; None if the video has no usable tracings."""
    fault: str | None
    """What is wrong with its tracings; None also if the data set has none."""
    traced_ef: float | None
    """Mean EF of the beats' volumes in %."""
    no_beats: str | None
    """Why no beat is used."""
    default: BeatEF
    published: BeatEF
    ms: float
    """Time for masks and beats."""

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> VideoMasks:
        """Inverse of `dataclasses.asdict`, after JSON."""
        traced = value["traced"]
        pair = None if traced is None else [TracedFrame(**frame) for frame in traced]
        return cls(
            **{
                **value,
                "traced": None if pair is None else (pair[0], pair[1]),
                "default": BeatEF(**value["default"]),
                "published": BeatEF(**value["published"]),
            }
        )


def measure_masks(
    answer: EFEstimate,
    prepared: Prepared,
    model: LoadedModel,
    tracings: Iterable[Tracing] | None,
) -> VideoMasks | None:
    """Compare masks with `tracings`, None if there are none; None without a segmentation."""
    if answer.traced is None:
        return None
    beats = answer.traced.beats
    traced, fault = None, None
    if tracings is not None:
        try:
            traced = _compare(tracings, answer, prepared, model)
        except NotUsableError as error:
            fault = str(error)
    bits = np.unpackbits(answer.traced.packed, axis=1, count=answer.traced.size**2)
    systolic = [beat.es.frame for beat in beats.used if beat.es]
    return VideoMasks(
        traced=traced,
        fault=fault,
        traced_ef=beats.mean_ef,
        no_beats=beats.reason,
        default=_beat_ef(systolic, beats.reason, answer),
        published=_beat_ef(systoles(bits.sum(axis=1)).tolist(), "no beat", answer),
        ms=answer.traced.ms,
    )


def _beat_ef(systolic: Sequence[int], reason: str | None, answer: EFEstimate) -> BeatEF:
    if answer.clips != "all":
        return BeatEF(len(systolic), 0, None, None)
    clip_efs = dict(zip(answer.clip_starts, answer.clip_efs, strict=True))
    efs = [ef for frame in systolic if (ef := ef_of(frame, clip_efs)) is not None]
    if efs:
        return BeatEF(len(systolic), len(efs), float(np.mean(efs)), None)
    return BeatEF(len(systolic), 0, None, NO_CLIP if systolic else reason)


def _compare(
    tracings: Iterable[Tracing], answer: EFEstimate, prepared: Prepared, model: LoadedModel
) -> tuple[TracedFrame, TracedFrame] | None:
    """The two traced frames; raises `NotUsableError`."""
    if answer.traced is None or model.masks is None:
        return None
    video, spec, found = answer.video, model.file.preprocess, answer.traced.beats.found
    pair = fit_tracings(tracings, prepared, spec, height=video.height, width=video.width)
    # Of the frames as decoded: resampling may have passed over the traced ones.
    masks = find_masks(prepared.fitted[list(pair.frames)], spec, model.masks)
    seen = [[beat.ed for beat in found], [beat.es for beat in found]]
    ed, es = (
        _one_frame(masks[i], pair.masks[i], _nearest(seen[i], pair.frames[i], prepared), video.fps)
        for i in (0, 1)
    )
    return ed, es


def _nearest(moments: Iterable[Moment | None], frame: int, prepared: Prepared) -> int | None:
    """Frames of the file from `frame` to the nearest of the moments."""
    distances = [int(prepared.source[m.frame]) - frame for m in moments if m is not None]
    return min(distances, key=abs, default=None)


def _one_frame(mask: Mask, traced: Mask, late: int | None, fps: float | None) -> TracedFrame:
    (part,), _ = largest_parts(mask[None])
    area, reference = int(part.sum()), int(traced.sum())
    volume = shape_of(part).simpson if area else 0.0
    return TracedFrame(
        pixels=int(mask.sum()),
        traced_pixels=reference,
        common=int((mask & traced).sum()),
        area=100 * (area / reference - 1),
        volume=100 * (volume / shape_of(traced).simpson - 1),
        late=late,
        late_ms=None if late is None or not fps else 1000 * late / fps,
    )
