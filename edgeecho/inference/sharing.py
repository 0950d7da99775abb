"""Which clips of a video are answered together, by the graph that computes nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import SharedCost
from edgeecho.engines import Outputs, SharedEngine
from edgeecho.preprocess import PreprocessSpec

_BLOCK = 16
"""Most clips of a call: memory grows with it, and what is shared hardly does beyond."""
_WORTH = 1.25
"""Plain work over shared work from which on it pays: gathering states takes its share of time."""


@dataclass(frozen=True)
class Sharing:
    """What it takes to answer clips together."""

    cost: SharedCost
    open: Callable[[], SharedEngine]
    """Compiles the graph when it is first needed."""


@dataclass(frozen=True, eq=False)
class Block:
    """Clips that one call answers."""

    places: NDArray[np.intp]
    """Where they stand among the starts that were asked for."""
    first: int
    """First frame that is needed, of the padded video."""
    stop: int
    starts: NDArray[np.int64]
    """Of each clip, counted in periods from `first`; even."""


def split(
    starts: NDArray[np.intp], spec: PreprocessSpec, cost: SharedCost
) -> tuple[list[Block], NDArray[np.intp]]:
    """Blocks of clips that are worth sharing, and the places of the clips that are left.

    Only clips whose starts differ by a multiple of two periods meet in the same states: by one,
    they show the same frames, but stages that halve take every second state.
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
    video: NDArray[np.float32], block: Block, spec: PreprocessSpec, engine: SharedEngine
) -> Outputs:
    """Answer a block of a normalised, padded video `(3, T, S, S)`."""
    frames = np.ascontiguousarray(video[None, :, block.first : block.stop : spec.period])
    return engine.infer({"frames": frames, "starts": block.starts})


def _families(starts: NDArray[np.intp], modulus: int) -> Iterator[NDArray[np.intp]]:
    """Places of starts that are equal modulo `modulus`, in the order of time, in even blocks."""
    for rest in range(modulus):
        places = np.flatnonzero(starts % modulus == rest)
        if len(places):
            places = places[np.argsort(starts[places], kind="stable")]
            yield from np.array_split(places, -(-len(places) // _BLOCK))
