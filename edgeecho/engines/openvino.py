"""OpenVINO on the CPU: the default, since it comes with the base install and is the fastest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile
from edgeecho.engines.base import EngineFacts, Outputs, arithmetic_of, outputs_of
from edgeecho.errors import EngineError, ModelError


class OpenVINOEngine:
    """A compiled model; see `Engine`."""

    def __init__(self, model: ModelFile, threads: int) -> None:
        import openvino

        core = openvino.Core()
        config = {
            "PERFORMANCE_HINT": "LATENCY",
            # Without this, OpenVINO computes in bfloat16 wherever the CPU has it: another number.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        if threads:
            config["INFERENCE_NUM_THREADS"] = str(threads)
        try:
            self._compiled = core.compile_model(model.path, "CPU", config)
        except RuntimeError as error:
            raise ModelError(
                f"OpenVINO cannot load {model.path.name}: {str(error).splitlines()[-1]}"
            ) from error
        hint = self._compiled.get_property("INFERENCE_PRECISION_HINT")
        if hint != openvino.Type.f32:
            raise EngineError(f"OpenVINO computes in {hint}, not in the f32 that was asked for")
        ports = self._compiled.outputs
        self._outputs = outputs_of(model.path.name, (n for port in ports for n in port.get_names()))
        self._request = self._compiled.create_infer_request()
        self.facts = EngineFacts(
            name="openvino",
            version=openvino.__version__.partition("-")[0],
            device=str(core.get_property("CPU", "FULL_DEVICE_NAME")),
            precision=arithmetic_of(model),
            threads=int(self._compiled.get_property("INFERENCE_NUM_THREADS")),
        )

    def run(self, clips: NDArray[np.float32]) -> Outputs:
        """See `Engine.run`."""
        return self.infer({"clip": clips})

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Outputs:
        """See `SharedEngine.infer`."""
        result = self._request.infer(inputs, share_inputs=True)
        # Copies: the next run may write to the same memory.
        found = {name: np.array(result[name], np.float32) for name in self._outputs}
        return Outputs(found["ef"], found.get("embedding"))


def open_engine(model: ModelFile, threads: int) -> OpenVINOEngine:
    """Compile `model` for the CPU."""
    return OpenVINOEngine(model, threads)
