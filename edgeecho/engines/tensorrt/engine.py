"""Running a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EngineError
from edgeecho.engines.base import Arrays, DeviceTimes, Outputs
from edgeecho.engines.descriptor import EngineDescriptor
from edgeecho.engines.nvidia.cuda import Buffer, Graph
from edgeecho.engines.nvidia.timer import Timer
from edgeecho.engines.tensorrt.plan import LoadedPlan


class TensorRTEngine(LoadedPlan):
    """A loaded plan that answers batches; see `Engine`. Not for several threads at once.

    With `cuda_graph`, the launches of each batch size are
    recorded when it first occurs and then replayed in one call. That saves time where the CPU is
    slow to launch, and takes an execution context, with the network's memory, per batch size.
    """

    clock = "CUDA events"

    def __init__(
        self, descriptor: EngineDescriptor, model: ModelFile, kind: str, *, cuda_graph: bool = False
    ) -> None:
        self._cuda_graph = cuda_graph
        self._timer: Timer | None = None
        super().__init__(descriptor, model, kind)

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
