"""A plan on the GPU: loading it, its memory, and giving both back."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EngineError
from edgeecho.engines.base import INPUT, EngineFacts, outputs_of
from edgeecho.engines.descriptor import EngineDescriptor
from edgeecho.engines.nvidia.cuda import Buffer, Graph, Stream
from edgeecho.engines.sidecar import FOLDER, check_engine
from edgeecho.engines.tensorrt.built import choose_engine
from edgeecho.engines.tensorrt.library import look, new_log


class LoadedPlan(ABC):
    """A plan with an execution context and a buffer for each input and output.

    `kind` is `tensorrt` or `tensorrt-rtx`. Whoever runs it says in `_reserve` how large they are.
    """

    def __init__(self, descriptor: EngineDescriptor, model: ModelFile, kind: str) -> None:
        trt, machine = look(kind)
        sidecar = choose_engine(model, machine)
        folder = model.path.parent / FOLDER
        self._file = check_engine(sidecar, folder, model)
        self._task, self._input = model.task, INPUT[model.task]
        self._graphs: dict[int, tuple[Any, Graph]] = {}
        self._buffers: dict[str, Buffer] = {}
        self._runtime: Any = None
        self._engine: Any = None
        self._context: Any = None
        self.facts = EngineFacts(
            name=descriptor.name,
            version=machine.version,
            device=f"{machine.device.label}, {machine.device.compute_capability}",
            precision=descriptor.arithmetic(model.precision),
            threads=1,
        )
        self._stream = Stream()
        self._open = True
        try:
            self._load(trt)
        except BaseException:
            self.close()
            raise

    def _load(self, trt: Any) -> None:
        self._log = new_log(trt)
        self._runtime = trt.Runtime(self._log)
        self._engine = self._runtime.deserialize_cuda_engine(self._file.read_bytes())
        self._require(self._engine is not None, "to load it")
        self._context = self._new_context()
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        self._outputs = outputs_of(self._file.name, names, self._task)
        self._reserve(trt, names)

    @abstractmethod
    def _reserve(self, trt: Any, names: list[str]) -> None:
        """Take memory for the inputs and outputs in `names`."""

    def _new_context(self) -> Any:
        context = self._engine.create_execution_context()
        self._require(context is not None, "an execution context")
        return context

    def _set_shape(self, context: Any, shape: tuple[int, ...], name: str) -> None:
        self._require(context.set_input_shape(name, shape), f"{name} of the shape {shape}")

    def _require(self, answer: bool, what: str) -> None:
        if not answer:
            said = self._log.errors[-1] if self._log.errors else "it gave no reason"
            raise EngineError(
                f"{self.facts.name} {self.facts.version} refused {what} ({self._file.name}): {said}"
            )

    def close(self) -> None:
        """Free everything, users before what they use. A second call does nothing."""
        if not self._open:
            return
        self._open = False
        with suppress(EngineError):
            self._stream.synchronize()
        while self._graphs:
            _, (context, graph) = self._graphs.popitem()
            graph.close()
            del context
        # The bindings free an object when its last reference goes.
        self._context = None
        self._engine = None
        self._runtime = None
        while self._buffers:
            self._buffers.popitem()[1].close()
        self._stream.close()

    def __del__(self) -> None:
        # At the interpreter's exit the driver frees everything.
        if not sys.is_finalizing() and getattr(self, "_open", False):
            self.close()
