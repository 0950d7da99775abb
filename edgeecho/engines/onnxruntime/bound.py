"""A session whose inputs and outputs stay on the GPU from one call to the next.

`InferenceSession.run` takes memory on the GPU for the inputs and outputs of each call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.engines.base import ROWS, Arrays, DeviceTimes

DEVICE = "cuda"
"""Where ONNX Runtime takes the memory; both GPU providers use CUDA's."""


class BoundSession:
    """Every call has the largest shape that was ever asked for; smaller ones are filled with zeros.

    Since 1.20 ONNX Runtime plans every convolution anew when a shape differs from the call before,
    even one that it has met (issue 23006). On an H100 each change took 0.4 s, so that 114 clips by
    fours took 0.93 s instead of 0.19 s for the last two.
    """

    def __init__(self, onnxruntime: Any, session: Any, names: Sequence[str]) -> None:
        self._new = onnxruntime.OrtValue.ortvalue_from_shape_and_type
        self._session = session
        self._names = names
        self._binding: Any = None
        self._inputs: dict[str, Any] = {}

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> tuple[Arrays, DeviceTimes]:
        """The outputs, and how long each step took by the host's clock: each waits for its end."""
        rows = len(next(inputs[name] for name in ROWS if name in inputs))
        shapes = {name: self._largest(name, values.shape) for name, values in inputs.items()}
        if {n: tuple(v.shape()) for n, v in self._inputs.items()} != shapes:
            self._bind(inputs, shapes)
        begin = perf_counter()
        for name, values in inputs.items():
            self._inputs[name].update_inplace(_filled(values, shapes[name]))
        uploaded = perf_counter()
        self._session.run_with_iobinding(self._binding)
        computed = perf_counter()
        # Copies: the next call writes to the same memory.
        values = self._binding.copy_outputs_to_cpu()
        end = perf_counter()
        found = {
            n: np.asarray(v[:rows], np.float32) for n, v in zip(self._names, values, strict=True)
        }
        times = DeviceTimes(
            h2d_ms=(uploaded - begin) * 1e3,
            compute_ms=(computed - uploaded) * 1e3,
            d2h_ms=(end - computed) * 1e3,
        )
        return found, times

    def _largest(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        held = self._inputs.get(name)
        return tuple(map(max, held.shape(), shape)) if held else shape

    def _bind(
        self, inputs: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]
    ) -> None:
        # A binding keeps its outputs, which have the shapes of its first run: others need another.
        self._inputs, self._binding = {}, None
        binding = self._session.io_binding()
        held = {n: self._new(shapes[n], v.dtype, DEVICE, 0) for n, v in inputs.items()}
        for name, value in held.items():
            binding.bind_ortvalue_input(name, value)
        for name in self._names:
            binding.bind_output(name, DEVICE)
        self._inputs, self._binding = held, binding


def _filled(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The values, followed by zeros on each axis: black clips, or clips at frame 0."""
    if values.shape == shape:
        return np.ascontiguousarray(values)
    filled = np.zeros(shape, values.dtype)
    filled[tuple(map(slice, values.shape))] = values
    return filled
