"""ONNX Runtime on an NVIDIA GPU, by its CUDA or its TensorRT provider, and never on the CPU.

By default onnxruntime-gpu silently runs on the CPU if CUDA cannot be used. So only the GPU's
provider is requested, both fall-backs to the CPU are disabled, and the active provider is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EngineError
from edgeecho.engines.base import Arrays, DeviceTimes, EngineFacts, Outputs, outputs_of
from edgeecho.engines.descriptor import EngineDescriptor
from edgeecho.engines.nvidia.cuda import probe
from edgeecho.engines.onnxruntime import CUDA
from edgeecho.engines.onnxruntime.bound import BoundSession
from edgeecho.engines.onnxruntime.libraries import FATAL, missing_library, preload, silence


class ONNXRuntimeGPUEngine:
    """An inference session on the GPU; see `Engine`. `provider` is `CUDA` or `TENSORRT`."""

    clock = "the host's clock"

    def __init__(self, descriptor: EngineDescriptor, model: ModelFile, provider: str) -> None:
        device = probe()
        import onnxruntime

        silence(onnxruntime)
        if provider not in onnxruntime.get_available_providers():
            raise EngineError(
                f"this ONNX Runtime has no {provider}: onnxruntime has overwritten "
                "onnxruntime-gpu, see `edgeecho doctor`"
            )
        preload(onnxruntime)
        self._said = f"ONNX Runtime cannot run {model.path.name} by {provider} alone"
        with self._refusals(_needs(provider), partial(missing_library, onnxruntime, provider)):
            self._session = onnxruntime.InferenceSession(
                model.path,
                session_options(onnxruntime, provider),
                providers=[(provider, provider_options(provider, model.precision))],
                # Otherwise its Python part tries again on the CPU.
                enable_fallback=0,
            )
        active = self._session.get_providers()
        if active[0] != provider:
            raise EngineError(f"ONNX Runtime runs {active[0]}, not {provider}: {_needs(provider)}")
        names = outputs_of(
            model.path.name, (o.name for o in self._session.get_outputs()), model.task
        )
        self._bound = BoundSession(onnxruntime, self._session, names)
        self.facts = EngineFacts(
            name=descriptor.name,
            version=onnxruntime.__version__,
            device=f"{device.label}, {device.compute_capability}",
            precision=descriptor.arithmetic(model.precision),
            threads=1,
        )

    def run(self, clips: NDArray[np.float32]) -> Outputs:
        return Outputs.of(self.infer({"clip": clips}))

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """See `GraphEngine.infer`."""
        with self._refusals("close what else uses the GPU"):
            return self._bound.infer(inputs)[0]

    def timed(self, clips: NDArray[np.float32]) -> DeviceTimes:
        """See `DeviceEngine.timed`."""
        with self._refusals("close what else uses the GPU"):
            return self._bound.infer({"clip": clips})[1]

    @contextmanager
    def _refusals(
        self, advice: str, why: Callable[[], str | None] = lambda: None
    ) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # its exceptions share no base class but Exception
            own = type(error).__module__.startswith("onnxruntime")
            if not own and not isinstance(error, (RuntimeError, ValueError)):
                raise
            said = why() or " ".join(str(error).split())[:200]
            raise EngineError(f"{self._said} ({said}): {advice}") from error


def session_options(onnxruntime: Any, provider: str) -> Any:
    """Options of a session that may not use the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    # ONNX Runtime makes INT32 of the biases of a graph with Q/DQ, for which neither has a kernel.
    if provider == CUDA:
        # CUDA fuses nothing with Q/DQ. Without their rules the weights are dequantized once, when
        # the session is made, and not in every run.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    else:
        # TensorRT needs the weights' Q/DQ, so only that one rule goes.
        name = "optimization.disable_specified_optimizers"
        options.add_session_config_entry(name, "WeightBiasQuantization")
    return options


def provider_options(provider: str, precision: str) -> dict[str, str]:
    """Without `device_id`, 0 by default: if it is given, ONNX Runtime warns of plugins it lacks."""
    if provider == CUDA:
        # On an H100 the default search led to 16.3 ms for a clip in FP16, this one to 3.4 ms. With
        # the exhaustive one a first clip in FP32 took 0.86 s, not 0.10 s, and later ones 1 to 9 %
        # less.
        return {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
    # This provider builds weakly typed networks, so it must also allow what the file contains.
    return {
        "trt_fp16_enable": str(precision == "fp16"),
        "trt_int8_enable": str(precision == "int8"),
    }


def _needs(provider: str) -> str:
    what, how = "TensorRT 10", "install them"
    if provider == CUDA:
        what, how = "CUDA and cuDNN", "pip install 'onnxruntime-gpu[cuda,cudnn]'"
    return (
        f"it needs {what} in the versions of https://onnxruntime.ai/docs/execution-providers: "
        f"{how}, or choose another --engine"
    )
