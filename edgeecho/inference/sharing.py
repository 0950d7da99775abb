"""Answering overlapping clips together with the shared graph, which computes nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import SharedCost
from edgeecho.engines import GraphEngine, Outputs
from edgeecho.preprocess import PreprocessSpec

_BLOCK = 16
"""Maximum number of clips per call: more take more memory and hardly save more work."""
_WORTH = 1.25
"""Minimum ratio of plain to shared work at which sharing pays: gathering states costs time."""


@dataclass(frozen=True)
class Sharing:
    """What is needed to answer clips together."""

    cost: SharedCost
    open: Callable[[], GraphEngine | None]
    """Returns the engine; compiles the graph on the first call. None: it cannot be loaded here."""


@dataclass(frozen=True, eq=False)
class Block:
    """Clips that one call answers together."""

    places: NDArray[np.intp]
    """Their indices among the requested starts."""
    first: int
    """First frame of the padded video that is needed."""
    stop: int
    starts: NDArray[np.int64]
    """Start of each clip in sampling periods from `first`; always even."""


def split(
    starts: NDArray[np.intp], spec: PreprocessSpec, cost: SharedCost
) -> tuple[list[Block], NDArray[np.intp]]:
    """Blocks of clips that are worth sharing, and the indices of the remaining clips.

    Only clips whose starts differ by a multiple of two periods share states. If they differ by one
    period they share frames, but the network's stages of stride 2 take every second state.
    """
    blocks, left = [], []
    for places in _families(starts, 2 * spec.period):
        asked = starts[places]
        first, last = int(asked[0]), int(asked[-1])
        frames = (last - first) // spec.period + spec.frames
        shared = cost.frame * frames + cost.clip * len(asked) + cost.fixed
        if cost.plain * len(asked) < _WORTH * shared:
            left.append(places)
            continue
        stop = last + (spec.frames - 1) * spec.period + 1
        local = ((asked - first) // spec.period).astype(np.int64)
        blocks.append(Block(places, first, stop, local))
    return blocks, np.concatenate([*left, np.zeros(0, np.intp)]).astype(np.intp)


def run_block(
    video: NDArray[np.float32], block: Block, spec: PreprocessSpec, engine: GraphEngine
) -> Outputs:
    """Run a block of clips of a normalised, padded video `(3, T, S, S)`."""
    frames = np.ascontiguousarray(video[None, :, block.first : block.stop : spec.period])
    return Outputs.of(engine.infer({"frames": frames, "starts": block.starts}))


def _families(starts: NDArray[np.intp], modulus: int) -> Iterator[NDArray[np.intp]]:
    """Indices of starts that are equal modulo `modulus`, by time, in blocks of equal size."""
    for rest in range(modulus):
        places = np.flatnonzero(starts % modulus == rest)
        if len(places):
            places = places[np.argsort(starts[places], kind="stable")]
            yield from np.array_split(places, -(-len(places) // _BLOCK))
