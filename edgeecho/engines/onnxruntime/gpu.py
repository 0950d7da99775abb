"""ONNX Runtime on an NVIDIA GPU, by its CUDA or its TensorRT provider, and never on the CPU.

By default onnxruntime-gpu silently runs on the CPU if CUDA cannot be used. So only the GPU's
provider is requested, both fall-backs to the CPU are disabled, and the active provider is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EngineError
from edgeecho.engines.base import EngineFacts, Outputs, outputs_of
from edgeecho.engines.descriptor import EngineDescriptor
from edgeecho.engines.nvidia.cuda import probe
from edgeecho.engines.onnxruntime import CUDA
from edgeecho.engines.onnxruntime.cpu import ask_session


class ONNXRuntimeGPUEngine:
    """An inference session on the GPU; see `Engine`. `provider` is `CUDA` or `TENSORRT`."""

    def __init__(self, descriptor: EngineDescriptor, model: ModelFile, provider: str) -> None:
        device = probe()
        import onnxruntime

        if provider not in onnxruntime.get_available_providers():
            raise EngineError(
                f"this ONNX Runtime has no {provider}: onnxruntime has overwritten "
                "onnxruntime-gpu, see `edgeecho doctor`"
            )
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        options.log_severity_level = 3
        self._said = f"ONNX Runtime cannot run {model.path.name} by {provider} alone"
        with self._refusals(_needs(provider)):
            self._session = onnxruntime.InferenceSession(
                model.path,
                options,
                providers=[(provider, _options(provider, model))],
                # Otherwise its Python part tries again on the CPU.
                enable_fallback=0,
            )
        active = self._session.get_providers()
        if active[0] != provider:
            raise EngineError(f"ONNX Runtime runs {active[0]}, not {provider}: {_needs(provider)}")
        self._outputs = outputs_of(model.path.name, (o.name for o in self._session.get_outputs()))
        self.facts = EngineFacts(
            name=descriptor.name,
            version=onnxruntime.__version__,
            device=f"{device.label}, {device.compute_capability}",
            precision=descriptor.arithmetic(model.precision),
            threads=1,
        )

    def run(self, clips: NDArray[np.float32]) -> Outputs:
        return self.infer({"clip": clips})

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Outputs:
        """See `SharedEngine.infer`."""
        with self._refusals("close what else uses the GPU"):
            return ask_session(self._session, self._outputs, inputs)

    @contextmanager
    def _refusals(self, advice: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # its exceptions share no base class but Exception
            own = type(error).__module__.startswith("onnxruntime")
            if not own and not isinstance(error, (RuntimeError, ValueError)):
                raise
            reason = " ".join(str(error).split())[:200]
            raise EngineError(f"{self._said} ({reason}): {advice}") from error


def _options(provider: str, model: ModelFile) -> dict[str, str]:
    if provider == CUDA:
        return {"device_id": "0", "use_tf32": "0"}
    # This provider builds weakly typed networks, so it must also allow what the file contains.
    return {
        "device_id": "0",
        "trt_fp16_enable": str(model.precision == "fp16"),
        "trt_int8_enable": str(model.precision == "int8"),
    }


def _needs(provider: str) -> str:
    what = "CUDA and cuDNN" if provider == CUDA else "TensorRT 10"
    return (
        f"it needs {what} in the versions of https://onnxruntime.ai/docs/execution-providers; "
        "or choose another --engine"
    )
