"""Clips through an engine to one EF with its spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile, open_model
from edgeecho.cine import DEFAULT_LIMITS, Cine, Limits
from edgeecho.engines import (
    Engine,
    EngineFacts,
    SharedEngine,
    load_engine,
    load_shared,
    shares,
)
from edgeecho.inference.clips import BATCH, ClipRun, Tell, run_clips
from edgeecho.inference.ready import Ready, make_ready, read_ready
from edgeecho.inference.sharing import Sharing
from edgeecho.inference.warnings import find_warnings
from edgeecho.preprocess import (
    ClipMode,
    Handling,
    Prepared,
    VideoFacts,
    clip_starts,
)
from edgeecho.trust import (
    Interval,
    Probabilities,
    Refusal,
    Trust,
    judge,
    load_trust,
)

DEFAULT_CLIPS = "stride:16"


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to answer."""

    file: ModelFile
    engine: Engine
    trust: Trust | None = None
    """None: no uncertainty was measured of it."""
    threads: int = 0
    """As they were asked for; 0: the engine's choice."""
    batch: int = BATCH
    """Clips of an engine call, of those that are not answered together."""

    @cached_property
    def sharing(self) -> Sharing | None:
        """How to answer clips together; None where the model or the engine cannot."""
        if self.file.shared is None or not shares(self.engine.facts.name):
            return None
        return Sharing(self.file.shared.cost, lambda: self._shared)

    @cached_property
    def _shared(self) -> SharedEngine:
        return load_shared(self.engine.facts.name, self.file, threads=self.threads, cached=True)


@dataclass(frozen=True)
class EFEstimate:
    """The answer for one video, with all that is needed to judge and to reproduce it."""

    ef: float
    """Mean over the clips, in %."""
    clip_starts: tuple[int, ...]
    """First frame of each clip, counted from 0 among the frames at the model's time base."""
    clip_times_s: tuple[float, ...] | None
    """Time of these frames in s; None where the frame rate is unknown."""
    clip_efs: tuple[float, ...]
    """EF of each clip in %."""
    clips: str
    """Clip mode."""
    warnings: tuple[str, ...]
    model: ModelFile
    engine: EngineFacts
    video: VideoFacts
    timings_ms: Mapping[str, float]
    """decode (when read from a file), preprocess, engine."""
    interval: Interval | None = None
    """None: the answer is refused, or the model has no measured uncertainty."""
    probabilities: Probabilities | None = None
    """None as `interval` is."""
    refusals: tuple[Refusal, ...] = ()
    """Why the number must not be used; empty: every gate let it pass."""
    clips_shared: int = 0
    """So many clips were answered together: the time of one depends on its neighbours."""

    @property
    def refused(self) -> bool:
        """Whether a gate refused the number: who shows it all the same must say so."""
        return bool(self.refusals)

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
    return load_opened(open_model(path, precision=precision), engine=engine, threads=threads)


def load_opened(file: ModelFile, *, engine: str = "auto", threads: int = 0) -> LoadedModel:
    """`load_model` of a model that was opened already."""
    trust = load_trust(file)
    ready = load_engine(engine, file, threads=threads, cached=True)
    return LoadedModel(file, ready, trust, threads)


def estimate(
    cine: Cine,
    model: LoadedModel,
    *,
    clips: str = DEFAULT_CLIPS,
    handling: Handling | None = None,
) -> EFEstimate:
    """EF of a decoded video.

    `clips` is `one`, `center`, `all` or `stride:N` (see `ClipMode`); `handling` is what the user
    decided about crop and time. Errors: those of `prepare` and `estimate_ready`.
    """
    ClipMode.parse(clips)
    return estimate_ready(make_ready(cine, model.file.preprocess, handling), model, clips=clips)


def estimate_ready(
    ready: Ready, model: LoadedModel, *, clips: str = DEFAULT_CLIPS, tell: Tell | None = None
) -> EFEstimate:
    """EF of a video that was made ready. `EngineError` where it is not a number.

    Clips are cut and run a few at a time, so memory does not grow with their number. `tell`: see
    `run_clips`.
    """
    mode = ClipMode.parse(clips)
    spec = model.file.preprocess
    starts = clip_starts(len(ready.prepared.frames), spec, mode)
    run = run_clips(
        ready.prepared, spec, model.engine, starts, model.sharing, batch=model.batch, tell=tell
    )
    return answer_clips(ready, model, mode, run)


def answer_clips(ready: Ready, model: LoadedModel, mode: ClipMode, run: ClipRun) -> EFEstimate:
    """The answer of a video of which the network has said what it says of each clip."""
    efs = run.outputs.ef
    ef = float(efs.mean(dtype=np.float64))
    signals = ready.signals.with_clips(efs, run.outputs.embedding)
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
        warnings=(*found, *verdict.warnings),
        model=model.file,
        engine=model.engine.facts,
        video=ready.facts,
        timings_ms={**ready.timings_ms, "preprocess": preprocess_ms, "engine": run.engine_ms},
        interval=verdict.interval,
        probabilities=verdict.probabilities,
        refusals=verdict.refusals,
        clips_shared=run.shared,
    )


def estimate_file(
    path: Path,
    model: LoadedModel,
    *,
    clips: str = DEFAULT_CLIPS,
    handling: Handling | None = None,
    fps: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> EFEstimate:
    """`estimate` of a file, the decoding time included in `timings_ms`.

    `fps`, in frames/s, goes before what the file says.
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
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[EFEstimate, Prepared]:
    """`estimate_file`, and the frames that the network was shown.

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
    # A video that is shorter than a clip has a second start behind its last frame.
    times = prepared.times_s[np.minimum(starts, len(prepared.times_s) - 1)]
    return tuple(times.tolist()) if np.isfinite(times).all() else None
