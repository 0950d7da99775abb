"""An engine as another package would add it, unknown to edgeecho."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile
from edgeecho.engines import Engine, EngineDescriptor, EngineFacts, Outputs

__version__ = "1.2"


class AbacusEngine:
    """Counts one clip after the other."""

    def __init__(self, descriptor: EngineDescriptor, model: ModelFile) -> None:
        self._session = onnxruntime.InferenceSession(model.path, providers=["CPUExecutionProvider"])
        self.facts = EngineFacts(
            descriptor.name, __version__, "beads", descriptor.arithmetic(model.precision), threads=1
        )

    def run(self, clips: NDArray[np.float32]) -> Outputs:
        rows = [self._session.run(["ef", "embedding"], {"clip": clip[None]}) for clip in clips]
        efs, embeddings = zip(*rows, strict=True)
        return Outputs(np.concatenate(efs), np.concatenate(embeddings))


def open_abacus(
    descriptor: EngineDescriptor, model: ModelFile, _threads: int, _cached: bool
) -> Engine:
    return AbacusEngine(descriptor, model)


ABACUS = EngineDescriptor(
    "abacus",
    package="abacus",
    install="pip install edgeecho-abacus",
    runs_on="beads",
    open=open_abacus,
)
