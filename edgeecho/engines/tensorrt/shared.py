"""Running the plan of a shared graph, which answers overlapping clips of one video together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.errors import EngineError
from edgeecho.engines.base import Arrays
from edgeecho.engines.nvidia.cuda import Buffer
from edgeecho.engines.tensorrt.engine import TensorRTEngine

_FRAMES, _STARTS = "frames", "starts"


class TensorRTSharedEngine(TensorRTEngine):
    """See `GraphEngine`. More clips or frames than the plan takes are answered in several runs."""

    def _reserve(self, trt: Any, names: list[str]) -> None:
        if missing := {_FRAMES, _STARTS} - set(names):
            raise EngineError(f"{self._file.name} has no {' and '.join(sorted(missing))}")
        frames, starts = (self._engine.get_tensor_profile_shape(n, 0) for n in (_FRAMES, _STARTS))
        self._length, self._longest = int(frames[0][2]), int(frames[2][2])
        self._clips = int(starts[2][0])
        for name, shapes in ((_FRAMES, frames), (_STARTS, starts)):
            self._set_shape(self._context, tuple(shapes[2]), name)
        for name in names:
            kind, dtype = ("INT64", np.int64) if name == _STARTS else ("FLOAT", np.float32)
            if self._engine.get_tensor_dtype(name) != trt.DataType[kind]:
                raise EngineError(f"{self._file.name} wants {name} in another type than {kind}")
            shape = tuple(self._context.get_tensor_shape(name))
            # Videos differ in length, so frames lie in the buffer's beginning, one after another.
            shape = (math.prod(shape),) if name == _FRAMES else (self._clips, *shape[1:])
            self._buffers[name] = Buffer(shape, np.dtype(dtype))

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """See `GraphEngine.infer`; `EngineError` if an EF or a feature is not a number."""
        frames, starts = inputs[_FRAMES], inputs[_STARTS]
        buffers = {name: self._buffers[name].host for name in self._outputs}
        found = {n: np.empty((len(starts), *b.shape[1:]), np.float32) for n, b in buffers.items()}
        left = np.argsort(starts, kind="stable")
        while len(left):
            first = int(starts[left[0]])
            near = starts[left[: self._clips]] - first <= self._longest - self._length
            places, left = np.split(left, [int(near.sum())])
            stop = int(starts[places[-1]]) + self._length
            self._together(frames[:, :, first:stop], starts[places] - first)
            for name, buffer in buffers.items():
                found[name][places] = buffer[: len(places)]
        return self._checked(found)

    def _together(self, frames: NDArray[np.float32], starts: NDArray[np.int64]) -> None:
        """Fill the host's output buffers with a row for each start."""
        for name, values in ((_FRAMES, frames), (_STARTS, starts)):
            self._set_shape(self._context, values.shape, name)
            self._buffers[name].host[: values.size] = values.reshape(-1)
        for name, buffer in self._buffers.items():
            what = f"the address of {name}"
            self._require(self._context.set_tensor_address(name, buffer.device), what)
        for name, values in ((_FRAMES, frames), (_STARTS, starts)):
            self._buffers[name].upload(values.size, self._stream)
        what = f"{len(starts)} clips of {frames.shape[2]} frames"
        self._require(self._context.execute_async_v3(self._stream.handle), what)
        for name in self._outputs:
            self._buffers[name].download(len(starts), self._stream)
        self._stream.synchronize()
