"""Running a plan, with its memory on the GPU."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EngineError
from edgeecho.engines.base import INPUT, Arrays, DeviceTimes, EngineFacts, Outputs, outputs_of
from edgeecho.engines.descriptor import EngineDescriptor
from edgeecho.engines.nvidia.cuda import Buffer, Graph, Stream
from edgeecho.engines.nvidia.timer import Timer
from edgeecho.engines.sidecar import FOLDER, check_engine
from edgeecho.engines.tensorrt.built import choose_engine
from edgeecho.engines.tensorrt.library import look, new_log


class TensorRTEngine:
    """A loaded plan with its memory; see `Engine`. Not for several threads at once.

    `kind` is `tensorrt` or `tensorrt-rtx`. With `cuda_graph`, the launches of each batch size are
    recorded when it first occurs and then replayed in one call. That saves time where the CPU is
    slow to launch, and takes an execution context, with the network's memory, per batch size.
    """

    clock = "CUDA events"

    def __init__(
        self, descriptor: EngineDescriptor, model: ModelFile, kind: str, *, cuda_graph: bool = False
    ) -> None:
        trt, machine = look(kind)
        sidecar = choose_engine(model, machine)
        folder = model.path.parent / FOLDER
        self._file = check_engine(sidecar, folder, model)
        self._task, self._input = model.task, INPUT[model.task]
        self._cuda_graph = cuda_graph
        self._graphs: dict[int, tuple[Any, Graph]] = {}
        self._buffers: dict[str, Buffer] = {}
        self._timer: Timer | None = None
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

    def _reserve(self, trt: Any, names: list[str]) -> None:
        """Take memory for the largest inputs of the plan's profile."""
        if self._input not in names:
            raise EngineError(f"{self._file.name} has {', '.join(names)}, but no {self._input}")
        smallest, _, largest = self._engine.get_tensor_profile_shape(self._input, 0)
        self._smallest, self._largest = int(smallest[0]), int(largest[0])
        self._set_shape(self._context, tuple(largest), self._input)
        for name in names:
            if self._engine.get_tensor_dtype(name) != trt.DataType.FLOAT:
                raise EngineError(f"{self._file.name} wants {name} in another type than FP32")
            self._buffers[name] = Buffer(tuple(self._context.get_tensor_shape(name)))

    def run(self, clips: NDArray[np.float32]) -> Outputs:
        """See `Engine.run`; errors as of `infer`."""
        return Outputs.of(self.infer({"clip": clips}))

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """See `GraphEngine.infer`; `EngineError` if an output is not a number.

        A larger batch than the plan's largest is run in several; a smaller one than its smallest is
        filled up with copies of its last row.
        """
        clips = inputs[self._input]
        given, wanted = clips.shape[1:], self._buffers[self._input].host.shape[1:]
        if given != wanted:
            raise EngineError(f"{self._file.name} takes a {self._input} of {wanted}, not {given}")
        buffers = {name: self._buffers[name].host for name in self._outputs}
        found = {n: np.empty((len(clips), *b.shape[1:]), np.float32) for n, b in buffers.items()}
        for first in range(0, len(clips), self._largest):
            part = slice(first, first + self._largest)
            rows = self._run(clips[part])
            for name, buffer in buffers.items():
                found[name][part] = buffer[:rows]
        return self._checked(found)

    def room(self, clips: int) -> NDArray[np.float32] | None:
        """See `Engine.run`: pinned memory, from which they go to the GPU."""
        return self._buffers[self._input].host[:clips] if clips <= self._largest else None

    def timed(self, clips: NDArray[np.float32]) -> DeviceTimes:
        """See `DeviceEngine.timed`."""
        self._timer = timer = Timer(self._stream)
        try:
            self.run(clips)
            return timer.times
        finally:
            self._timer = None
            timer.close()

    def _checked(self, found: Arrays) -> Arrays:
        for name, values in found.items():
            if not np.isfinite(values).all():
                raise EngineError(
                    f"{self._file.name} gave an {name} that is not a number: "
                    "see `edgeecho verify`, and use another precision or engine"
                )
        return found

    def _run(self, clips: NDArray[np.float32]) -> int:
        """Run `clips` and fill the host's output buffers; return how many rows are of `clips`."""
        size = max(len(clips), self._smallest)
        host = self._buffers[self._input].host
        # They are there already if they were cut into `room`.
        if clips.ctypes.data != host.ctypes.data:
            host[: len(clips)] = clips
        host[len(clips) : size] = host[len(clips) - 1]
        upload, download = partial(self._upload, size), partial(self._download, size)
        parts = (upload, self._launch(size), download)
        if self._timer is not None:
            self._timer.run(*parts)
        else:
            for part in parts:
                part()
            self._stream.synchronize()
        return len(clips)

    def _launch(self, size: int) -> Callable[[], None]:
        """What starts the network for a batch of `size`."""
        if self._cuda_graph:
            if size not in self._graphs:
                self._graphs[size] = self._capture(size)
            return self._graphs[size][1].launch
        self._set_up(self._context, size)
        return partial(self._execute, self._context, size)

    def _set_up(self, context: Any, size: int) -> None:
        self._set_shape(context, (size, *self._buffers[self._input].host.shape[1:]), self._input)
        for name, buffer in self._buffers.items():
            self._require(context.set_tensor_address(name, buffer.device), f"the address of {name}")

    def _upload(self, size: int) -> None:
        self._buffers[self._input].upload(size, self._stream)

    def _execute(self, context: Any, size: int) -> None:
        self._require(context.execute_async_v3(self._stream.handle), f"a batch of {size}")

    def _download(self, size: int) -> None:
        for name in self._outputs:
            self._buffers[name].download(size, self._stream)

    def _capture(self, size: int) -> tuple[Any, Graph]:
        """Record in a new context: changing a context invalidates the graphs that it recorded."""
        context = self._new_context()
        self._set_up(context, size)
        # The first run after a change of shape does work that cannot be recorded.
        self._upload(size)
        self._execute(context, size)
        self._stream.synchronize()
        return context, self._stream.capture(lambda: self._execute(context, size))

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
