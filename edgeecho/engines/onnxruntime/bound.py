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


Shapes = dict[str, tuple[int, ...]]


class BoundSession:
    """Keeps the shape of its calls as long as it can: smaller ones are filled up with zeros.

    Since 1.20 ONNX Runtime plans every convolution anew when a shape differs from that of the call
    before, even if it has met it earlier (issue 23006). On an H100 that took 0.1 to 0.2 s, where a
    batch takes 0.01 s. So the last clips of a video are filled up. A second call in a row of the
    same shape and at most half the rows is taken as it is.
    """

    def __init__(self, onnxruntime: Any, session: Any, names: Sequence[str]) -> None:
        self._new = onnxruntime.OrtValue.ortvalue_from_shape_and_type
        self._session = session
        self._names = names
        self._binding: Any = None
        self._inputs: dict[str, Any] = {}
        self._held: Shapes = {}
        self._rows = 0
        self._last: Shapes = {}

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> tuple[Arrays, DeviceTimes]:
        """The outputs, and how long each step took by the host's clock: each waits for its end."""
        rows = len(next(inputs[name] for name in ROWS if name in inputs))
        shapes = self._choose({name: values.shape for name, values in inputs.items()}, rows)
        if shapes != self._held:
            self._bind(inputs, shapes)
            self._rows = rows
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

    def _choose(self, asked: Shapes, rows: int) -> Shapes:
        again, self._last = asked == self._last, asked
        if not self._held or (again and 2 * rows <= self._rows):
            return asked
        return {name: tuple(map(max, self._held[name], shape)) for name, shape in asked.items()}

    def _bind(self, inputs: Mapping[str, NDArray[Any]], shapes: Shapes) -> None:
        # A binding keeps its outputs, which have the shapes of its first run: others need another.
        self._inputs, self._binding, self._held = {}, None, {}
        binding = self._session.io_binding()
        held = {n: self._new(shapes[n], v.dtype, DEVICE, 0) for n, v in inputs.items()}
        for name, value in held.items():
            binding.bind_ortvalue_input(name, value)
        for name in self._names:
            binding.bind_output(name, DEVICE)
        self._inputs, self._binding, self._held = held, binding, shapes


def _filled(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The values, followed by zeros on each axis: black clips, or clips at frame 0."""
    if values.shape == shape:
        return np.ascontiguousarray(values)
    filled = np.zeros(shape, values.dtype)
    filled[tuple(map(slice, values.shape))] = values
    return filled
