"""The builder of `fake_trt`: it serializes the ONNX file that it is given."""

from __future__ import annotations

import weakref
from typing import Any

import onnx
from fake_trt import MAGIC, ILogger, OnGPU, Plan, Shape


class ITensor(OnGPU):
    def __init__(self, name: str, shape: Shape) -> None:
        self._name, self._shape = name, shape

    @property
    def name(self) -> str:
        return self._name

    @property
    def shape(self) -> Shape:
        return self._shape


class INetworkDefinition(OnGPU):
    def __init__(self) -> None:
        self._model = b""
        self._parser: Any = lambda: None

    def get_input(self, index: int) -> Any:
        plan = Plan({}, self._model)
        name = plan.inputs[index]
        return self._trt.ITensor(name, plan.shapes[name])


class ParserError(OnGPU):
    def node_name(self) -> str:
        return "node_1"

    def desc(self) -> str:
        return "emulated: not an ONNX file"


class OnnxParser(OnGPU):
    def __init__(self, network: Any, logger: ILogger) -> None:
        self._bind("__init__", self._api["__init__"], (network, logger), {})
        self._network, self._failed = network, False

    def parse(self, model: bytes) -> bool:
        try:
            onnx.load_from_string(bytes(model))
        except Exception:  # noqa: BLE001 - whatever protobuf has against it
            self._failed = True
            return False
        self._network._model = bytes(model)
        self._network._parser = weakref.ref(self)
        return True

    @property
    def num_errors(self) -> int:
        return int(self._failed)

    def get_error(self, index: int) -> Any:
        return self._trt.ParserError()


class IOptimizationProfile(OnGPU):
    def __init__(self) -> None:
        self._shapes: dict[str, list[Shape]] = {}

    def set_shape(self, input: str, min: Shape, opt: Shape, max: Shape) -> None:
        self._shapes[input] = [tuple(min), tuple(opt), tuple(max)]


class IHostMemory(OnGPU):
    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def nbytes(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return self._data


class ITimingCache(OnGPU):
    def __init__(self, gpu: str) -> None:
        self._of = gpu

    def serialize(self) -> Any:
        return self._trt.IHostMemory(MAGIC + b" CACHE " + self._of.encode())


class IBuilderConfig(OnGPU):
    def __init__(self) -> None:
        self._flags = {self._trt.BuilderFlag.TF32}
        self._profiles: list[Any] = []
        self._verbosity = self._trt.ProfilingVerbosity.LAYER_NAMES_ONLY
        self._workspace = 8 << 30
        self._cache: Any = None

    @property
    def profiling_verbosity(self) -> Any:
        return self._verbosity

    @profiling_verbosity.setter
    def profiling_verbosity(self, value: Any) -> None:
        self._verbosity = value

    def clear_flag(self, flag: Any) -> None:
        self._flags.discard(flag)

    def get_flag(self, flag: Any) -> bool:
        return flag in self._flags

    def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
        if pool_size <= 8 << 30:
            self._workspace = pool_size

    def get_memory_pool_limit(self, pool: Any) -> int:
        return self._workspace

    def create_timing_cache(self, serialized_timing_cache: bytes) -> Any:
        head, _, gpu = bytes(serialized_timing_cache).partition(b" CACHE ")
        if head not in (b"", MAGIC):
            return None
        return self._trt.ITimingCache(gpu.decode() or self._gpu.name.decode())

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        self._cache = weakref.ref(cache)
        return ignore_mismatch or cache._of == self._gpu.name.decode()

    def add_optimization_profile(self, profile: Any) -> int:
        self._profiles.append(profile)
        return len(self._profiles) - 1


class Builder(OnGPU):
    def __init__(self, logger: Any) -> None:
        self._bind("__init__", self._api["__init__"], (logger,), {})
        if not self._gpu.driver or "cudaGetDeviceCount" not in self._gpu.calls:
            raise self._gpu.misuse("TensorRT is touched before a GPU was looked for")
        self._logger = logger

    def create_network(self, flags: int) -> Any:
        if flags != 1 << int(self._trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED):
            raise self._gpu.misuse("a network that is not strongly typed")
        return self._trt.INetworkDefinition()

    def create_builder_config(self) -> Any:
        return self._trt.IBuilderConfig()

    def create_optimization_profile(self) -> Any:
        return self._trt.IOptimizationProfile()

    def build_serialized_network(self, network: Any, config: Any) -> Any:
        self._live("parser", network._parser)
        if config._cache is not None:
            self._live("timing cache", config._cache)
        if not config._profiles:
            error = self._trt.ILogger.Severity.ERROR
            self._logger.log(error, "network has dynamic inputs, but no profile")
            return None
        header = {
            "version": self._trt.__version__,
            "gpu": self._gpu.name.decode(),
            "profile": config._profiles[0]._shapes,
            "workspace": config._workspace,
            "flags": [flag.name for flag in config._flags],
            "verbosity": config._verbosity.name,
        }
        return self._trt.IHostMemory(Plan(header, network._model).to_bytes())


BUILDER_CLASSES = (
    ITensor, INetworkDefinition, ParserError, OnnxParser, IOptimizationProfile, IHostMemory,
    ITimingCache, IBuilderConfig, Builder,
)  # fmt: skip
