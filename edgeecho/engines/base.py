"""The protocols that every engine implements, and what they return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile, Task
from edgeecho.common.errors import EngineError, ModelError


class NoDeviceError(EngineError):
    """The hardware that an engine runs on is not here, which is no fault of its installation."""


@dataclass(frozen=True)
class PassedOver:
    """What was tried before and did not run: an installed engine, or an engine's shared graph."""

    name: str
    why: str
    """One line, without folders."""


@dataclass(frozen=True)
class EngineFacts:
    """The engine that gave an answer; every result and report names it."""

    name: str
    version: str
    device: str
    precision: str
    """The arithmetic that was asked for, see `EngineDescriptor.arithmetic`: `f32` rules out hidden
    bfloat16."""
    threads: int
    passed_over: tuple[PassedOver, ...] = ()
    """In the order in which they were tried: by `auto`, and by the first clips that overlap."""

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> EngineFacts:
        """Inverse of `asdict`, after JSON."""
        passed_over = tuple(PassedOver(**other) for other in value["passed_over"])
        return cls(**{**value, "passed_over": passed_over})


@dataclass(frozen=True, eq=False)
class Outputs:
    """A network's outputs for `b` clips."""

    ef: NDArray[np.float32]
    """`(b,)` in %."""
    embedding: NDArray[np.float32]
    """`(b, 512 * width)` pooled features, the head's input."""

    @classmethod
    def of(cls, found: Arrays) -> Outputs:
        """From the arrays of `infer`."""
        return cls(found["ef"], found["embedding"])


Arrays = Mapping[str, NDArray[np.float32]]
"""A network's outputs by name."""
INPUT: Mapping[str, str] = {"ef": "clip", "segmentation": "frame"}
"""Name of the input whose first axis is the batch, by task."""
ROWS = ("starts", *INPUT.values())
"""Inputs whose first axis has an entry for each row of the outputs; a network has one of them."""
_OUTPUTS = {"ef": ("ef", "embedding"), "segmentation": ("logits",)}


def outputs_of(file: str, names: Iterable[str], task: Task) -> tuple[str, ...]:
    """The names of the outputs to ask a network for; it may have others.

    `ModelError` if one of them is not among `names`.
    """
    known, wanted = set(names), _OUTPUTS[task]
    if missing := [name for name in wanted if name not in known]:
        raise ModelError(
            f"{file} has no output {' and '.join(missing)}, only "
            f"{', '.join(sorted(known)) or 'unnamed ones'}: export it again with `edgeecho export`"
        )
    return wanted


def example_input(model: ModelFile) -> dict[str, NDArray[np.float32]]:
    """Black input for a batch of one, for a first run."""
    spec = model.preprocess
    frames = (spec.frames,) if model.task == "ef" else ()
    return {INPUT[model.task]: np.zeros((1, 3, *frames, spec.size, spec.size), np.float32)}


class Engine(Protocol):
    """A compiled model that is ready to run."""

    facts: EngineFacts

    def run(self, clips: NDArray[np.float32]) -> Outputs:
        """Run normalised clips `(b, 3, frames, S, S)`; return the EF and embedding of each.

        An engine may have a method `room(b)`: an array for so many clips, or None. `run` of it
        copies nothing on the host, and the next call of either may overwrite it.
        """
        ...


@dataclass(frozen=True)
class DeviceTimes:
    """Parts of one call of an engine with memory of its own, in ms, as `trtexec` divides it."""

    h2d_ms: float
    """Clips to the device (H2D Latency)."""
    compute_ms: float
    """The network (GPU Compute Time)."""
    d2h_ms: float
    """Outputs back (D2H Latency)."""
    enqueue_ms: float | None = None
    """How long the CPU takes to ask for the network (Enqueue Time); None: the library also waits
    for its end."""


class DeviceEngine(Engine, Protocol):
    """An engine with memory of its own, whose calls have parts that can be timed."""

    clock: str
    """What takes the time: `CUDA events` or `the host's clock`."""

    def timed(self, clips: NDArray[np.float32]) -> DeviceTimes:
        """`run`, for the times alone."""
        ...


class GraphEngine(Protocol):
    """A compiled network of other inputs than clips: a shared graph, or a segmentation."""

    facts: EngineFacts

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Run the network; return its outputs by name.

        Of a shared graph (`ModelFile.shared`), which answers overlapping clips of one video:
        `frames (1, 3, F, S, S) float32` and `starts (n,) int64` -> `ef` and `embedding` with a row
        for each start. The frames are every `period`-th of a normalised video; each clip begins at
        an even one.

        Of a segmentation: `frame (n, 3, S, S) float32`, normalised -> `logits (n, S, S)`, above 0
        where the left ventricle is.
        """
        ...
