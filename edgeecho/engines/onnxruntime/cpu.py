"""ONNX Runtime on the CPU."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile
from edgeecho.common.cpu import usable_cores
from edgeecho.common.errors import EngineError, ModelError
from edgeecho.engines.base import Arrays, EngineFacts, Outputs, outputs_of
from edgeecho.engines.descriptor import EngineDescriptor
from edgeecho.engines.onnxruntime.libraries import FATAL

_PROVIDER = "CPUExecutionProvider"


class ONNXRuntimeEngine:
    """An inference session on the CPU; see `Engine`."""

    def __init__(self, descriptor: EngineDescriptor, model: ModelFile, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # Set explicitly, so that the facts name the number that runs.
        options.intra_op_num_threads = threads or usable_cores()
        options.log_severity_level = FATAL
        try:
            self._session = onnxruntime.InferenceSession(model.path, options, providers=[_PROVIDER])
        except Exception as error:  # its exceptions share no base class but Exception
            if type(error).__module__.startswith("onnxruntime"):
                raise ModelError(
                    f"ONNX Runtime cannot load {model.path.name}: {str(error).splitlines()[0]}"
                ) from error
            raise
        # onnxruntime-gpu may silently put another provider first.
        active = self._session.get_providers()
        if active[0] != _PROVIDER:
            raise EngineError(f"ONNX Runtime runs {active[0]}, not the {_PROVIDER} asked for")
        self._outputs = outputs_of(
            model.path.name, (o.name for o in self._session.get_outputs()), model.task
        )
        self.facts = EngineFacts(
            name=descriptor.name,
            version=onnxruntime.__version__,
            device=f"CPU ({platform.machine()})",
            precision=descriptor.arithmetic(model.precision),
            threads=options.intra_op_num_threads,
        )

    def run(self, clips: NDArray[np.float32]) -> Outputs:
        return Outputs.of(self.infer({"clip": clips}))

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """See `GraphEngine.infer`."""
        values = self._session.run(self._outputs, dict(inputs))
        return {n: np.asarray(v, np.float32) for n, v in zip(self._outputs, values, strict=True)}
