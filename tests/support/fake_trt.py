"""A stand-in for `tensorrt` and `tensorrt_rtx` on a `FakeGPU`, one for each version of `trt_api/`.

An engine is the ONNX file after a header, and ONNX Runtime computes it. Objects hold each other
by weak references only, so that freeing an engine before its contexts is detected.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator
from functools import cached_property
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import onnxruntime
from fake_cuda import FakeGPU
from held import Held, make_enum, read_api

MAGIC = b"EMULATED"
Shape = tuple[int, ...]


class Plan:
    """What a serialized engine holds."""

    def __init__(self, header: dict[str, Any], model: bytes) -> None:
        self.header, self.model = header, model
        graph = onnx.load_from_string(model).graph
        self.shapes: dict[str, Shape] = {}
        self.sizes: dict[str, tuple[int | str, ...]] = {}
        """With the names of those that are not fixed."""
        self.types: dict[str, np.dtype[Any]] = {}
        for tensor in (*graph.input, *graph.output):
            sizes = tensor.type.tensor_type.shape.dim
            self.shapes[tensor.name] = tuple(d.dim_value or -1 for d in sizes)
            self.sizes[tensor.name] = tuple(d.dim_param or d.dim_value for d in sizes)
            whole = tensor.type.tensor_type.elem_type == onnx.TensorProto.INT64
            self.types[tensor.name] = np.dtype(np.int64 if whole else np.float32)
        self.inputs = [tensor.name for tensor in graph.input]

    @cached_property
    def session(self) -> Any:
        return onnxruntime.InferenceSession(self.model, providers=["CPUExecutionProvider"])

    def profile(self, name: str) -> list[Shape]:
        return [tuple(shape) for shape in self.header["profile"][name]]

    def fits(self, version: str, gpu: str) -> bool:
        return self.header["version"] == version and self.header["gpu"] in ("", gpu)

    def to_bytes(self) -> bytes:
        return MAGIC + json.dumps(self.header).encode() + b"\0" + self.model

    @classmethod
    def from_bytes(cls, data: bytes) -> Plan | None:
        if not data.startswith(MAGIC):
            return None
        header, _, model = data[len(MAGIC) :].partition(b"\0")
        return cls(json.loads(header), model)


class ILogger:
    def __init__(self) -> None:
        self._ready = True


class OnGPU(Held):
    """Whatever belongs to one emulated machine."""

    _gpu: FakeGPU
    _trt: Any

    def _live(self, what: str, parent: Any) -> Any:
        """The object that a weak reference leads to."""
        found = parent()
        if found is None:
            raise self._gpu.misuse(f"{type(self).__name__} outlives its {what}")
        return found


class Runtime(OnGPU):
    def __init__(self, logger: Any) -> None:
        (logger,) = self._bind("__init__", self._api["__init__"], (logger,), {})
        if not self._gpu.driver or "cudaGetDeviceCount" not in self._gpu.calls:
            raise self._gpu.misuse("TensorRT is touched before a GPU was looked for")
        assert logger._ready, "ILogger.__init__ was not called"
        self._logger = logger
        self._engines: weakref.WeakSet[Any] = weakref.WeakSet()

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Any:
        plan = Plan.from_bytes(bytes(serialized_engine))
        version, gpu = self._trt.__version__, self._gpu.name.decode()
        if plan is None or not plan.fits(version, gpu):
            reason = f"not an engine of {version} for {gpu}"
            self._logger.log(self._trt.ILogger.Severity.ERROR, f"IRuntime: {reason}")
            return None
        engine = self._trt.ICudaEngine(plan, weakref.ref(self), self._logger)
        self._engines.add(engine)
        return engine

    def __del__(self) -> None:
        if len(getattr(self, "_engines", ())):
            self._gpu.misuse("a runtime is freed before its engine")


class ICudaEngine(OnGPU):
    def __init__(self, plan: Plan, runtime: Any, logger: Any) -> None:
        self._plan, self._runtime, self._logger = plan, runtime, logger
        self._contexts: weakref.WeakSet[Any] = weakref.WeakSet()

    @property
    def num_io_tensors(self) -> int:
        return len(self._plan.shapes)

    def get_tensor_name(self, index: int) -> str:
        return list(self._plan.shapes)[index]

    def get_tensor_mode(self, name: str) -> Any:
        mode = "INPUT" if name in self._plan.inputs else "OUTPUT"
        return self._trt.TensorIOMode[mode]

    def get_tensor_dtype(self, name: str) -> Any:
        whole = self._plan.types[name] == np.int64
        return self._trt.DataType.INT64 if whole else self._trt.DataType.FLOAT

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Shape]:
        return self._plan.profile(name)

    def create_execution_context(self) -> Any:
        self._live("runtime", self._runtime)
        context = self._trt.IExecutionContext(self._plan, weakref.ref(self), self._logger)
        self._contexts.add(context)
        return context

    def create_engine_inspector(self) -> Any:
        return self._trt.EngineInspector(self._plan)

    def __del__(self) -> None:
        if len(self._contexts):
            self._gpu.misuse("an engine is freed before its execution context")


class IExecutionContext(OnGPU):
    def __init__(self, plan: Plan, engine: Any, logger: Any) -> None:
        self._plan, self._engine, self._logger = plan, engine, logger
        self._shapes: dict[str, Shape] = {}
        self._addresses: dict[str, int] = {}
        self._changes = 0
        """Of shapes and addresses; a graph that was recorded before one is spoiled."""
        self._settled = -1
        """Changes before the last run that was no recording."""

    def set_input_shape(self, name: str, shape: Shape) -> bool:
        if name not in self._plan.inputs:
            return self._refuse(f"{name} is no input")
        low, _, high = self._plan.profile(name)
        fits = len(shape) == len(low)
        if not fits or not all(a <= n <= b for a, n, b in zip(low, shape, high, strict=True)):
            return self._refuse(f"shape {shape} is not within {low} and {high}")
        self._shapes[name] = shape
        self._changes += 1
        return True

    def set_tensor_address(self, name: str, memory: int) -> bool:
        if name not in self._plan.shapes:
            return self._refuse(f"there is no tensor {name}")
        self._addresses[name] = memory
        self._changes += 1
        return True

    def get_tensor_shape(self, name: str) -> Shape:
        known = {
            size: number
            for given, shape in self._shapes.items()
            for size, number in zip(self._plan.sizes[given], shape, strict=True)
        }
        return tuple(s if isinstance(s, int) else known.get(s, -1) for s in self._plan.sizes[name])

    def execute_async_v3(self, stream_handle: int) -> bool:
        self._live("engine", self._engine)
        if missing := set(self._plan.inputs) - set(self._shapes):
            return self._refuse(f"the shape of {missing} was not set")
        if missing := set(self._plan.shapes) - set(self._addresses):
            return self._refuse(f"the address of {missing} was not set")
        if stream_handle == 0:
            raise self._gpu.misuse("the default stream waits for everybody's work")
        shapes = {name: self.get_tensor_shape(name) for name in self._plan.shapes}
        for name, shape in shapes.items():
            self._tensor(name, shape)
        recording = stream_handle in self._gpu._capturing
        changes, addresses = self._changes, dict(self._addresses)
        if recording and self._settled != changes:
            raise self._gpu.misuse("the first run after a change cannot be recorded")
        if not recording:
            self._settled = changes
        me, gpu = weakref.ref(self), self._gpu

        def work() -> None:
            context = me()
            if context is None or context._engine() is None:
                raise gpu.misuse("work of an execution context that was freed")
            if recording and context._changes != changes:
                raise gpu.misuse("a graph is launched whose context was changed since")
            context._compute(shapes, addresses)

        self._gpu.queue(stream_handle, work)
        return True

    def _tensor(self, name: str, shape: Shape, address: int | None = None) -> np.ndarray:
        place = self._addresses[name] if address is None else address
        kind = self._plan.types[name]
        memory = self._gpu.memory(place, int(np.prod(shape)) * kind.itemsize)
        return memory.view(kind).reshape(shape)

    def _compute(self, shapes: dict[str, Shape], addresses: dict[str, int]) -> None:
        names = [name for name in shapes if name not in self._plan.inputs]
        feed = {n: self._tensor(n, shapes[n], addresses[n]) for n in self._plan.inputs}
        for name, value in zip(names, self._plan.session.run(names, feed), strict=True):
            self._tensor(name, shapes[name], addresses[name])[:] = value

    def _refuse(self, reason: str) -> bool:
        self._logger.log(self._trt.ILogger.Severity.ERROR, f"IExecutionContext: {reason}")
        return False


class EngineInspector(OnGPU):
    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def get_engine_information(self, format: Any) -> str:
        key = "DataType" if self._trt.__version__.startswith("11") else "Format/Datatype"
        graph = onnx.load_from_string(self._plan.model).graph
        half = {w.name for w in graph.initializer if w.data_type == onnx.TensorProto.FLOAT16}
        layers = [
            {
                "Name": f"{node.name} + more",
                "LayerType": "CaskConvolution",
                "Inputs": [{key: "Half" if node.input[1] in half else "Float"}],
                "Outputs": [{key: "Half"}],
                "ParameterType": "Convolution",
                "Metadata": f"[ONNX Layer: {node.name}]",
            }
            for node in graph.node
            if node.op_type == "Conv"
        ]
        return json.dumps({"Layers": [*layers, "a layer without details"]})


def trt_module(api: str, gpu: FakeGPU) -> ModuleType:
    """`tensorrt` or `tensorrt_rtx` as in `trt_api/API.json`, on `gpu`."""
    from fake_trt_builder import BUILDER_CLASSES

    real = read_api(api)
    module = ModuleType("tensorrt_rtx" if api.startswith("rtx") else "tensorrt")
    module.__spec__ = ModuleSpec(module.__name__, None)
    module.__version__ = real["version"]  # type: ignore[attr-defined]
    for name, members in real["enums"].items():
        if "." not in name:
            setattr(module, name, make_enum(name, members))
    severity = make_enum("Severity", real["enums"]["ILogger.Severity"])
    logger = type("ILogger", (ILogger,), {"Severity": severity})
    module.ILogger = logger  # type: ignore[attr-defined]
    for base in (Runtime, ICudaEngine, IExecutionContext, EngineInspector, *BUILDER_CLASSES):
        members = {"_api": real["classes"][base.__name__], "_module": vars(module)}
        members |= {"_gpu": gpu, "_trt": module}
        setattr(module, base.__name__, type(base.__name__, (base,), members))
    _check(real, vars(module).values())
    return module


def _check(real: dict[str, Any], classes: Any) -> None:
    """No stand-in has what the real class lacks."""
    for cls in classes:
        if isinstance(cls, type) and issubclass(cls, Held):
            lacking = {n for n in _public(cls) if n not in real["classes"][cls.__name__]}
            assert not lacking, f"{cls.__name__} of {real['version']} has no {lacking}"


def _public(cls: type) -> Iterator[str]:
    return (name for name in dir(cls) if not name.startswith("_"))
