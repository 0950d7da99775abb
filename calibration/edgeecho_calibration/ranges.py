"""Collecting the ranges of a network's tensors over clips, in one pass and clip by clip."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeecho_calibration.histogram import Histogram


@dataclass(frozen=True)
class Ranges:
    """Ranges of tensors, by name."""

    largest: dict[str, float]
    """max |value| of the input and each output; NaN or infinity if one occurred."""
    histograms: dict[str, Histogram]
    """Histograms of |value| for the requested tensors."""
    clips: int


def collect_ranges(
    probe: Path, clips: Iterable[NDArray[np.float32]], histograms: Collection[str] = ()
) -> Ranges:
    """Run an ONNX file whose outputs are the tensors to measure.

    `clips` are normalised `(1, 3, T, S, S)`, or frames of one clip `(n, 3, S, S)`. They are
    consumed one at a time, so memory holds the activations of one clip only (1 GB at full size).
    `histograms` are the names of the tensors that need one, for methods other than minmax.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(probe, options, providers=["CPUExecutionProvider"])
    (entry,) = (value.name for value in session.get_inputs())
    names = [output.name for output in session.get_outputs()]
    largest = dict.fromkeys([entry, *names], 0.0)
    collected = {name: Histogram() for name in histograms}
    count = 0
    for clip in clips:
        values = session.run(names, {entry: clip})
        for name, value in zip([entry, *names], [clip, *values], strict=True):
            # Python's `max` would ignore a NaN.
            largest[name] = float(np.maximum(largest[name], _largest(value)))
            if name in collected:
                collected[name].add(value)
        del values
        count += 1
    if not count:
        raise ValueError("no clips: nothing was collected")
    return Ranges(largest, collected, count)


def _largest(value: NDArray[np.float32]) -> np.float32:
    # `abs` would copy the whole tensor.
    top: np.float32 = np.maximum(value.max(), -value.min())
    return top
