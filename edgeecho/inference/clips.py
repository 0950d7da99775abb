"""Running the clips of a prepared video through an engine, in batches to limit memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.errors import EngineError, InputError
from edgeecho.engines import Engine
from edgeecho.engines.base import Outputs
from edgeecho.inference.sharing import Sharing, run_block, split
from edgeecho.preprocess import Prepared, PreprocessSpec, gather_clips, normalise, pad_short

BATCH = 4
"""Clips per engine call, for clips that are not answered together."""

ProgressCallback = Callable[[int, int], None]
"""Progress callback: clips done, and clips in total. An exception in it ends the run."""


@dataclass(frozen=True, eq=False)
class ClipRun:
    """The network's outputs for `n` clips of one video."""

    starts: NDArray[np.intp]
    """`(n,)` first frames, as requested."""
    outputs: Outputs
    cut_ms: float
    """Time for normalising and cutting clips."""
    engine_ms: float
    shared: int
    """Number of clips that were answered together."""


def run_clips(
    prepared: Prepared,
    spec: PreprocessSpec,
    engine: Engine,
    starts: NDArray[np.intp],
    sharing: Sharing | None = None,
    *,
    batch: int = BATCH,
    on_progress: ProgressCallback | None = None,
) -> ClipRun:
    """Run the clips that begin at `starts`, in any order; `EngineError` if an output is no number.

    With `sharing`, clips that overlap enough are answered together, with the same results.
    `on_progress` is called before the first and after each engine call.
    """
    on_progress = on_progress or _no_progress
    begin = time.perf_counter()
    # Normalise only the frames of these clips: of 176 frames, the central clip has 32.
    offset = int(starts.min())
    step = int(np.gcd.reduce([spec.period, *(starts - offset)]))
    reach = slice(offset, int(starts.max()) + spec.frames * spec.period, step)
    spec = replace(spec, period=spec.period // step)
    video = pad_short(normalise(prepared.frames[reach], spec), spec)
    local = (starts - offset) // step
    blocks, left = split(local, spec, sharing.cost) if sharing else ([], np.arange(len(local)))
    cut_s = time.perf_counter() - begin
    rows: list[tuple[NDArray[np.intp], Outputs]] = []
    begin = time.perf_counter()
    on_progress(0, len(starts))
    done = 0
    together = sharing.open() if sharing and blocks else None
    if together is None:
        blocks, left = [], np.arange(len(local))
    for block in blocks:
        assert together is not None
        rows.append((block.places, run_block(video, block, spec, together)))
        done += len(block.places)
        on_progress(done, len(starts))
    engine_s = time.perf_counter() - begin
    room = getattr(engine, "room", None)
    for first in range(0, len(left), batch):
        begin = time.perf_counter()
        places = left[first : first + batch]
        clips = gather_clips(video, local[places], spec, room(len(places)) if room else None)
        middle = time.perf_counter()
        rows.append((places, engine.run(clips)))
        cut_s += middle - begin
        engine_s += time.perf_counter() - middle
        done += len(places)
        on_progress(done, len(starts))
    shared = sum(len(block.places) for block in blocks)
    return ClipRun(starts, _joined(rows, engine), cut_s * 1e3, engine_s * 1e3, shared)


def run_normalised(clips: NDArray[np.float32], engine: Engine, *, batch: int = BATCH) -> Outputs:
    """The network's outputs for normalised clips `(b, 3, frames, S, S)`, without any gate.

    `InputError` if a value is not finite; `EngineError` if an output is no number.
    """
    rows: list[tuple[NDArray[np.intp], Outputs]] = []
    for first in range(0, len(clips), batch):
        some = np.array(clips[first : first + batch])
        if not np.isfinite(some).all():
            raise InputError("a clip has values that are not finite: send normalised pixels")
        rows.append((np.arange(first, first + len(some)), engine.run(some)))
    return _joined(rows, engine)


def _no_progress(_done: int, _of: int) -> None:
    pass


def _joined(rows: list[tuple[NDArray[np.intp], Outputs]], engine: Engine) -> Outputs:
    """Concatenate the outputs in the order of the starts."""
    order = np.argsort(np.concatenate([places for places, _ in rows]))
    efs = np.concatenate([batch.ef for _, batch in rows])[order]
    embeddings = np.concatenate([batch.embedding for _, batch in rows])[order]
    if not all(np.isfinite(values).all() for values in (efs, embeddings)):
        raise EngineError(
            f"{engine.facts.name} gave an EF that is not a number: "
            "check the model with another --engine"
        )
    return Outputs(efs, embeddings)
