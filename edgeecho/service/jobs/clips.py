"""Normalised clips that a client sent, in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeecho.common.errors import InputError
from edgeecho.engines import Outputs
from edgeecho.inference import LoadedModel, run_normalised


@dataclass(frozen=True)
class ClipFile:
    """Where the clips are: all that goes to the engine's process, which reads a batch at a time."""

    path: Path
    offset: int
    """First byte of the clips: float32, little-endian, in C order."""
    shape: tuple[int, ...]
    """`(b, 3, frames, S, S)`."""

    def run(self, model: LoadedModel) -> Outputs:
        """The network's outputs; errors as in `run_normalised`."""
        try:
            clips = np.memmap(self.path, "<f4", "r", self.offset, self.shape)
        except (OSError, ValueError) as error:
            raise InputError("the clips cannot be read any more: send them again") from error
        return run_normalised(clips, model.engine)
