"""How large a network's tensors become over clips: one pass, one clip in memory at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeecho_calibration.histogram import Histogram


@dataclass(frozen=True)
class Ranges:
    """What was seen of each tensor, by name."""

    largest: dict[str, float]
    """max |value| of the input and each output; NaN or infinity where one was seen."""
    histograms: dict[str, Histogram]
    """Of |value|, for the tensors that were asked for."""
    clips: int


def collect_ranges(
    probe: Path, clips: Iterable[NDArray[np.float32]], histograms: Collection[str] = ()
) -> Ranges:
    """Run an ONNX file whose outputs are the tensors to look at.

    `clips`: each `(1, 3, T, S, S)`, normalised, drawn when its turn comes and let go after:
    memory holds the activations of one clip (1 GB at full size), however many there are.
    `histograms`: names of the tensors of which the methods beyond minmax need one.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(probe, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    largest = dict.fromkeys(["clip", *names], 0.0)
    collected = {name: Histogram() for name in histograms}
    count = 0
    for clip in clips:
        values = session.run(names, {"clip": clip})
        for name, value in zip(["clip", *names], [clip, *values], strict=True):
            # `max` of Python would pass over a NaN.
            largest[name] = float(np.maximum(largest[name], _largest(value)))
            if name in collected:
                collected[name].add(value)
        del values
        count += 1
    if not count:
        raise ValueError("no clips: nothing was collected")
    return Ranges(largest, collected, count)


def _largest(value: NDArray[np.float32]) -> np.float32:
    # Without a copy of the whole tensor, as `abs` would make one.
    top: np.float32 = np.maximum(value.max(), -value.min())
    return top
