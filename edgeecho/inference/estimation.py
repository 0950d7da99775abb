"""Estimating the EF of a video: from a model and a cine to an `EFEstimate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile
from edgeecho.cine import DEFAULT_LIMITS, Cine, DecodeLimits
from edgeecho.engines import EngineFacts
from edgeecho.inference.clips import ClipRun, ProgressCallback, run_clips
from edgeecho.inference.loaded import LoadedModel
from edgeecho.inference.ready import ReadyVideo, make_ready, read_ready
from edgeecho.inference.tracing import Traced, trace
from edgeecho.inference.warnings import find_warnings
from edgeecho.preprocess import (
    ClipMode,
    Handling,
    Prepared,
    VideoFacts,
    clip_starts,
)
from edgeecho.trust import (
    Hints,
    Interval,
    Probabilities,
    Refusal,
    judge,
)

DEFAULT_CLIPS = "stride:16"


@dataclass(frozen=True)
class EFEstimate:
    """The EF of one video, with everything that is needed to judge and reproduce it."""

    ef: float
    """Mean over the clips in %."""
    clip_starts: tuple[int, ...]
    """First frame of each clip, counted from 0 at the model's frame rate."""
    clip_times_s: tuple[float, ...] | None
    """Time of these frames in s; None if the frame rate is unknown."""
    clip_efs: tuple[float, ...]
    """EF of each clip in %."""
    clips: str
    """Clip mode."""
    warnings: tuple[str, ...]
    model: ModelFile
    engine: EngineFacts
    video: VideoFacts
    timings_ms: Mapping[str, float]
    """Times of decode (if read from a file), preprocess and engine."""
    hints: Hints
    """What the width of the interval depends on."""
    interval: Interval | None = None
    """None if the EF is refused or the model has no measured uncertainty."""
    probabilities: Probabilities | None = None
    """None in the same cases."""
    refusals: tuple[Refusal, ...] = ()
    """Why the EF must not be used; empty if it passed every gate."""
    clips_shared: int = 0
    """Number of clips that were answered together, so that their times depend on each other."""
    traced: Traced | None = None
    """Masks and beats; None if the model has no segmentation or no beats were wanted."""

    @property
    def refused(self) -> bool:
        """Whether a gate refused the EF. Whoever still shows it must say so."""
        return bool(self.refusals)

    @property
    def sd(self) -> float | None:
        """Standard deviation over the clips in EF points; None for a single clip."""
        return float(np.std(self.clip_efs, ddof=1)) if len(self.clip_efs) > 1 else None


def estimate(
    cine: Cine,
    model: LoadedModel,
    *,
    clips: str = DEFAULT_CLIPS,
    handling: Handling | None = None,
) -> EFEstimate:
    """Estimate the EF of a decoded video.

    `clips` is `one`, `center`, `all` or `stride:N` (see `ClipMode`); `handling` has the user's
    options for crop and time. Errors are those of `prepare` and `estimate_ready`.
    """
    ClipMode.parse(clips)
    return estimate_ready(make_ready(cine, model.file.preprocess, handling), model, clips=clips)


def estimate_ready(
    ready: ReadyVideo,
    model: LoadedModel,
    *,
    clips: str = DEFAULT_CLIPS,
    on_progress: ProgressCallback | None = None,
) -> EFEstimate:
    """Estimate the EF of a preprocessed video. `EngineError` if it is not a number.

    Clips are cut and run in batches, so memory does not grow with their number. `on_progress`: see
    `run_clips`.
    """
    mode = ClipMode.parse(clips)
    spec = model.file.preprocess
    starts = clip_starts(len(ready.prepared.frames), spec, mode)
    run = run_clips(
        ready.prepared,
        spec,
        model.engine,
        starts,
        model.sharing,
        batch=model.batch,
        on_progress=on_progress,
    )
    return answer_clips(ready, model, mode, run)


def answer_clips(ready: ReadyVideo, model: LoadedModel, mode: ClipMode, run: ClipRun) -> EFEstimate:
    """Combine the network's outputs for the clips of a video to its `EFEstimate`."""
    efs = run.outputs.ef
    ef = float(efs.mean(dtype=np.float64))
    traced = _trace(ready.prepared, model, run)
    signals = ready.signals.with_clips(efs, run.outputs.embedding)
    if traced is not None:
        signals = signals.with_traced(traced.beats)
    verdict = judge(signals, ef, mode, model.trust, precision=model.file.precision)
    found = find_warnings(
        ready.facts,
        model.file.preprocess,
        len(ready.prepared.frames),
        refused=[refusal.gate for refusal in verdict.refusals],
    )
    preprocess_ms = ready.timings_ms["preprocess"] + run.cut_ms
    return EFEstimate(
        ef=ef,
        clip_starts=tuple(run.starts.tolist()),
        clip_times_s=_times(ready.prepared, run.starts),
        clip_efs=tuple(efs.tolist()),
        clips=str(mode),
        warnings=(*model.file.warnings, *found, *_of_masks(traced), *verdict.warnings),
        model=model.file,
        engine=model.engine.facts,
        video=ready.facts,
        timings_ms={
            **ready.timings_ms,
            "preprocess": preprocess_ms,
            "engine": run.engine_ms,
            **({"masks": traced.ms} if traced else {}),
        },
        hints=signals.hints(ef),
        interval=verdict.interval,
        probabilities=verdict.probabilities,
        refusals=verdict.refusals,
        clips_shared=run.shared,
        traced=traced,
    )


def _trace(prepared: Prepared, model: LoadedModel, run: ClipRun) -> Traced | None:
    if model.masks is None:
        return None
    efs = dict(zip(run.starts.tolist(), run.outputs.ef.tolist(), strict=True))
    spec = model.file.preprocess
    return trace(prepared, spec, model.masks, rule=model.rule, clip_efs=efs)


def _of_masks(traced: Traced | None) -> tuple[str, ...]:
    """What makes volumes worth less; of no interest to an EF without them."""
    return (traced.pixel_doubt,) if traced and traced.pixel_doubt else ()


def estimate_file(
    path: Path,
    model: LoadedModel,
    *,
    clips: str = DEFAULT_CLIPS,
    handling: Handling | None = None,
    fps: float | None = None,
    limits: DecodeLimits = DEFAULT_LIMITS,
) -> EFEstimate:
    """Estimate the EF of a file; `timings_ms` includes decoding.

    `fps`, in frames/s, overrides the file's frame rate.
    """
    return answer_file(path, model, clips=clips, handling=handling, fps=fps, limits=limits)[0]


def answer_file(
    path: Path,
    model: LoadedModel,
    *,
    clips: str = DEFAULT_CLIPS,
    handling: Handling | None = None,
    fps: float | None = None,
    listed_fps: float | None = None,
    limits: DecodeLimits = DEFAULT_LIMITS,
) -> tuple[EFEstimate, Prepared]:
    """Like `estimate_file`, but also return the frames that the network saw.

    `listed_fps`: see `read_ready`.
    """
    ClipMode.parse(clips)
    ready = read_ready(
        path,
        model.file.preprocess,
        handling=handling,
        fps=fps,
        listed_fps=listed_fps,
        limits=limits,
    )
    return estimate_ready(ready, model, clips=clips), ready.prepared


def _times(prepared: Prepared, starts: NDArray[np.intp]) -> tuple[float, ...] | None:
    # A video that is shorter than a clip has a second start after its last frame.
    times = prepared.times_s[np.minimum(starts, len(prepared.times_s) - 1)]
    return tuple(times.tolist()) if np.isfinite(times).all() else None
