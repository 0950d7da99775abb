"""A compiled OpenVINO model on the CPU, in f32 and cached between processes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile
from edgeecho.common.cache import cache_folder, load_entry, say, store_entry
from edgeecho.common.cpu import cpu_features, usable_cores
from edgeecho.common.errors import EngineError, ModelError
from edgeecho.engines.base import Arrays, EngineFacts, Outputs, outputs_of
from edgeecho.engines.descriptor import EngineDescriptor
from edgeecho.engines.openvino.core import core
from edgeecho.engines.openvino.threads import recall_threads


class OpenVINOEngine:
    """A compiled model; see `Engine`."""

    def __init__(
        self, descriptor: EngineDescriptor, model: ModelFile, threads: int, *, cached: bool
    ) -> None:
        import openvino

        if cached and not threads:
            threads = recall_threads(machine_of(), model.precision)
        config = {
            "PERFORMANCE_HINT": "LATENCY",
            # Without this, OpenVINO uses bfloat16 on CPUs that have it, which changes the EF.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        if threads:
            config["INFERENCE_NUM_THREADS"] = str(threads)
        load = _load_or_compile if cached else _compile
        self._compiled = load(model, config)
        hint = self._compiled.get_property("INFERENCE_PRECISION_HINT")
        if hint != openvino.Type.f32:
            raise EngineError(f"OpenVINO computes in {hint}, not in the f32 that was asked for")
        ports = self._compiled.outputs
        self._outputs = outputs_of(
            model.path.name, (n for port in ports for n in port.get_names()), model.task
        )
        self._name = model.path.name
        self._request = self._compiled.create_infer_request()
        self.facts = EngineFacts(
            name=descriptor.name,
            version=openvino.__version__.partition("-")[0],
            device=_device(),
            precision=descriptor.arithmetic(model.precision),
            threads=int(self._compiled.get_property("INFERENCE_NUM_THREADS")),
        )

    def run(self, clips: NDArray[np.float32]) -> Outputs:
        return Outputs.of(self.infer({"clip": clips}))

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """See `GraphEngine.infer`."""
        try:
            result = self._request.infer(inputs, share_inputs=True)
        except RuntimeError as error:
            raise EngineError(
                f"OpenVINO cannot run {self._name}: {str(error).strip().splitlines()[-1]}"
            ) from error
        # Copied, since the next run may overwrite this memory.
        return {name: np.array(result[name], np.float32) for name in self._outputs}


def machine_of() -> dict[str, Any]:
    """Everything but the model that a compiled model and the best number of threads depend on."""
    import openvino

    return {
        "openvino": openvino.__version__,
        "cpu": _device(),
        "features": cpu_features(),
        "cores": usable_cores(),
    }


def _device() -> str:
    return str(core().get_property("CPU", "FULL_DEVICE_NAME"))


def _compile(model: ModelFile, config: Mapping[str, str]) -> Any:
    try:
        return core().compile_model(model.path, "CPU", config)
    except RuntimeError as error:
        raise ModelError(
            f"OpenVINO cannot load {model.path.name}: {str(error).splitlines()[-1]}"
        ) from error


def _load_or_compile(model: ModelFile, config: Mapping[str, str]) -> Any:
    """Compile the model, or load what an earlier process compiled: the two are identical."""
    if cache_folder() is None:
        return _compile(model, config)
    key = {"artefact": model.sha256, "config": dict(config), **machine_of()}
    if blob := load_entry(key):
        try:
            return core().import_model(blob, "CPU", config)
        except (RuntimeError, ValueError):  # the latter where its message is no text
            say("OpenVINO does not take the compiled model in the cache: it is compiled anew")
    compiled = _compile(model, config)
    stream = io.BytesIO()
    try:
        compiled.export_model(stream)
    except RuntimeError:  # a device or a network that cannot be exported
        say("OpenVINO does not give the compiled model away: it is not kept for the next time")
        return compiled
    store_entry(key, stream.getvalue())
    return compiled
