"""What every back end offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.errors import ModelError


@dataclass(frozen=True)
class EngineFacts:
    """What ran, for every result and report."""

    name: str
    version: str
    device: str
    precision: str
    """Arithmetic that was asked for: `f32` means no hidden bfloat16, see
    `EngineDescriptor.arithmetic`."""
    threads: int


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a network says of `b` clips."""

    ef: NDArray[np.float32]
    """`(b,)` in %."""
    embedding: NDArray[np.float32] | None
    """`(b, 512 * width)` pooled features, the head's input; None: the file has no such output."""


def outputs_of(file: str, names: Iterable[str]) -> tuple[str, ...]:
    """Which of a network's outputs are to be asked for, by name: others may be there too.

    `ef` must be there (`ModelError`); `embedding` is missing from files of an older edgeecho.
    """
    known = set(names)
    if "ef" not in known:
        raise ModelError(
            f"{file} has no output ef, only {', '.join(sorted(known)) or 'unnamed ones'}: "
            "export it again with `edgeecho export`"
        )
    return tuple(name for name in ("ef", "embedding") if name in known)


class Engine(Protocol):
    """A compiled model that is ready to run."""

    @property
    def facts(self) -> EngineFacts:
        """What this engine is."""
        ...

    def run(self, clips: NDArray[np.float32]) -> Outputs:
        """Normalised clips `(b, 3, frames, S, S)` -> EF and embedding of each."""
        ...


class SharedEngine(Protocol):
    """A compiled shared graph (`ModelFile.shared`): overlapping clips of one video, together."""

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Outputs:
        """`frames (1, 3, F, S, S) float32` and `starts (n,) int64` -> a row for each start.

        Frames are every `period`-th of a normalised video; each clip begins at an even one.
        """
        ...
