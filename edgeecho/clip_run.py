"""Clips of a prepared video through an engine, a few at a time: memory does not grow with them."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.engines import Engine
from edgeecho.engines.base import Outputs
from edgeecho.errors import EngineError
from edgeecho.preprocess import Prepared, PreprocessSpec, gather_clips, normalise, pad_short

_BATCH = 4


@dataclass(frozen=True, eq=False)
class ClipRun:
    """What the network said of `n` clips of one video."""

    starts: NDArray[np.intp]
    """`(n,)` first frames, as they were asked for."""
    outputs: Outputs
    cut_ms: float
    """Normalising and cutting."""
    engine_ms: float


def run_clips(
    prepared: Prepared, spec: PreprocessSpec, engine: Engine, starts: NDArray[np.intp]
) -> ClipRun:
    """Run the clips that begin at `starts`, in any order; `EngineError` where one is no number."""
    begin = time.perf_counter()
    # Only what the clips reach is normalised: of 176 frames the central clip sees 63.
    offset = int(starts.min())
    reach = slice(offset, int(starts.max()) + spec.frames * spec.period)
    video = pad_short(normalise(prepared.frames[reach], spec), spec)
    cut_s = time.perf_counter() - begin
    outputs = []
    engine_s = 0.0
    for first in range(0, len(starts), _BATCH):
        begin = time.perf_counter()
        batch = gather_clips(video, starts[first : first + _BATCH] - offset, spec)
        middle = time.perf_counter()
        outputs.append(engine.run(batch))
        cut_s += middle - begin
        engine_s += time.perf_counter() - middle
    return ClipRun(starts, _joined(outputs, engine), cut_s * 1e3, engine_s * 1e3)


def _joined(outputs: list[Outputs], engine: Engine) -> Outputs:
    efs = np.concatenate([batch.ef for batch in outputs])
    embeddings = [batch.embedding for batch in outputs if batch.embedding is not None]
    if not all(np.isfinite(values).all() for values in (efs, *embeddings)):
        raise EngineError(
            f"{engine.facts.name} gave an EF that is not a number: "
            "check the model with another --engine"
        )
    return Outputs(efs, np.concatenate(embeddings) if embeddings else None)
