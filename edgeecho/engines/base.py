"""What every back end offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EngineFacts:
    """What ran, for every result and report."""

    name: str
    version: str
    device: str
    precision: str
    """Arithmetic that was asked for: `f32` means no hidden bfloat16."""
    threads: int


class Engine(Protocol):
    """A compiled model that is ready to run."""

    @property
    def facts(self) -> EngineFacts:
        """What this engine is."""
        ...

    def run(self, clips: NDArray[np.float32]) -> NDArray[np.float32]:
        """Normalised clips `(b, 3, frames, S, S)` -> EF `(b,)` in %."""
        ...
