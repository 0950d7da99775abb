"""Clips through an engine to one EF with its spread."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgeecho.bundle import ModelFile, open_model
from edgeecho.cine import Cine, read_cine
from edgeecho.engines import Engine, EngineFacts, load_engine
from edgeecho.errors import EngineError
from edgeecho.preprocess import (
    ClipMode,
    clip_starts,
    fit_frames,
    gather_clips,
    normalise,
    pad_short,
)

DEFAULT_CLIPS = "stride:16"
_BATCH = 4
# Beyond this ratio between the video's frame rate and training's a warning is given: the same
# 32 frames then hold clearly more or less of a heart beat than the network has seen.
_RATE_RATIO = 1.25


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to answer."""

    file: ModelFile
    engine: Engine


@dataclass(frozen=True)
class EFEstimate:
    """The answer for one video, with all that is needed to judge and to reproduce it."""

    ef: float
    """Mean over the clips, in %."""
    clip_starts: tuple[int, ...]
    """First frame of each clip."""
    clip_efs: tuple[float, ...]
    """EF of each clip in %."""
    clips: str
    """Clip mode."""
    warnings: tuple[str, ...]
    model: ModelFile
    engine: EngineFacts
    frames: int
    """Frames that were decoded."""
    fps: float | None
    fps_source: str
    timings_ms: Mapping[str, float]
    """decode (when read from a file), preprocess, engine."""

    @property
    def sd(self) -> float | None:
        """Standard deviation over the clips in EF points; None for a single clip."""
        return float(np.std(self.clip_efs, ddof=1)) if len(self.clip_efs) > 1 else None


def load_model(
    path: Path | None = None,
    *,
    engine: str = "auto",
    precision: str | None = None,
    threads: int = 0,
) -> LoadedModel:
    """Open a bundle or .onnx file (None: the demo model), verify it and compile it.

    Errors: `ModelError` and `EngineError`. `threads` 0 leaves the number to the engine.
    """
    file = open_model(path, precision=precision)
    return LoadedModel(file, load_engine(engine, file, threads=threads))


def estimate(cine: Cine, model: LoadedModel, *, clips: str = DEFAULT_CLIPS) -> EFEstimate:
    """EF of a decoded video.

    `clips` is `one`, `center`, `all` or `stride:N` (see `ClipMode`). Clips are cut and run a
    few at a time, so memory does not grow with their number.
    """
    mode = ClipMode.parse(clips)
    spec = model.file.preprocess
    begin = time.perf_counter()
    video = pad_short(normalise(fit_frames(cine.frames, spec), spec), spec)
    starts = clip_starts(len(cine.frames), spec, mode)
    preprocess_s = time.perf_counter() - begin
    efs = []
    engine_s = 0.0
    for first in range(0, len(starts), _BATCH):
        begin = time.perf_counter()
        batch = gather_clips(video, starts[first : first + _BATCH], spec)
        middle = time.perf_counter()
        efs.append(model.engine.run(batch))
        preprocess_s += middle - begin
        engine_s += time.perf_counter() - middle
    values = np.concatenate(efs)
    if not np.isfinite(values).all():
        raise EngineError(
            f"{model.engine.facts.name} gave an EF that is not a number: "
            "check the model with another --engine"
        )
    return EFEstimate(
        ef=float(values.mean(dtype=np.float64)),
        clip_starts=tuple(starts.tolist()),
        clip_efs=tuple(values.tolist()),
        clips=str(mode),
        warnings=_warnings(cine, model.file),
        model=model.file,
        engine=model.engine.facts,
        frames=len(cine.frames),
        fps=cine.fps,
        fps_source=cine.fps_source,
        timings_ms={"preprocess": preprocess_s * 1e3, "engine": engine_s * 1e3},
    )


def estimate_file(path: Path, model: LoadedModel, *, clips: str = DEFAULT_CLIPS) -> EFEstimate:
    """`estimate` of a file, the decoding time included in `timings_ms`."""
    begin = time.perf_counter()
    cine = read_cine(path)
    decode_ms = (time.perf_counter() - begin) * 1e3
    result = estimate(cine, model, clips=clips)
    return replace(result, timings_ms={"decode": decode_ms, **result.timings_ms})


def _warnings(cine: Cine, model: ModelFile) -> tuple[str, ...]:
    """What makes this answer worth less, in words a user can act on."""
    spec = model.preprocess
    found = []
    count, height, width = cine.frames.shape[:3]
    if count < spec.window:
        found.append(
            f"too short: {count} frames, but a clip spans {spec.window}; "
            "the rest is filled with mean grey"
        )
    if (height, width) != (spec.size, spec.size):
        side = min(height, width)
        found.append(
            f"not a {spec.size}x{spec.size} clip: the central {side}x{side} of {width}x{height} "
            "was resized; text and what lies beside the sector were not masked"
        )
    if spec.training_fps is None:
        found.append("the model does not say at what frame rate it was trained")
    elif cine.fps is None:
        found.append(f"frame rate unknown; the model was trained at {spec.training_fps:.0f} fps")
    elif max(cine.fps / spec.training_fps, spec.training_fps / cine.fps) > _RATE_RATIO:
        found.append(
            f"{cine.fps:.0f} fps ({cine.fps_source}), but the model was trained at about "
            f"{spec.training_fps:.0f}: a clip spans {spec.window / cine.fps:.1f} s "
            f"instead of {spec.window / spec.training_fps:.1f} s"
        )
    return tuple(found)
