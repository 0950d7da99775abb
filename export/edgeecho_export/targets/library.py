"""TensorRT and TensorRT-RTX as Python packages, and what to say if one is missing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from edgeecho.common.errors import MissingDependencyError
from edgeecho.engines import EngineDescriptor
from edgeecho.engines.nvidia.cuda import probe
from edgeecho.engines.tensorrt import ENGINES
from edgeecho.engines.tensorrt import RTX as RTX_NAME
from edgeecho.engines.tensorrt import TENSORRT as TENSORRT_NAME


@dataclass(frozen=True)
class TensorRTLibrary:
    """One of the two."""

    engine: EngineDescriptor
    """The engine that runs what is built."""
    needs_gpu: bool
    """Whether it builds on the GPU that will run the engine, and for no other."""

    def load(self) -> Any:
        """TensorRT's module, after probing the GPU that it may need; see `Builder.load`."""
        try:
            import_module("onnx")
            if self.needs_gpu:
                import_module("cuda.bindings.runtime")
                probe()
            return import_module(self.engine.package)
        except ModuleNotFoundError as error:
            raise MissingDependencyError(
                f"--engine {self.engine.name} needs {error.name}, which is not installed: "
                f"{self.engine.install}"
            ) from error


_BY_NAME = {engine.name: engine for engine in ENGINES}
TENSORRT = TensorRTLibrary(_BY_NAME[TENSORRT_NAME], needs_gpu=True)
RTX = TensorRTLibrary(_BY_NAME[RTX_NAME], needs_gpu=False)
