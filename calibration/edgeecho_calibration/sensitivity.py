"""Sensitivity analysis: what quantizing each layer costs in EF points, and which to keep float."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from edgeecho.bundle import open_model
from edgeecho.common.errors import ModelError, VerificationError
from edgeecho.engines import Engine, load_engine
from edgeecho.tools.verify import Drift
from edgeecho_calibration.floating import quantized_layers, return_to_float

SPEED_RUNS = 15
"""Runs of each network, in turns, so that changes of the machine's speed affect both alike."""


@dataclass(frozen=True)
class LayerDrift:
    """The drift from FP32 that one layer causes."""

    name: str
    """Name of the convolution, such as `layer1.0.conv1.0.0`."""
    only: Drift
    """With only this layer quantized."""
    without: Drift
    """With all layers but this one quantized."""


@dataclass(frozen=True)
class Mixed:
    """INT8 with the most damaging layers returned to float."""

    layers: tuple[str, ...]
    """The layers in float, the most damaging first."""
    drift: Drift
    slowdown: float
    """Time per clip relative to the original INT8 network; ratio of medians."""


@dataclass(frozen=True)
class Sensitivity:
    """The analysis of one INT8 network on one engine."""

    model: str
    engine: str
    clips: int
    int8: Drift
    """With all layers quantized that are quantized in the artefact."""
    layers: tuple[LayerDrift, ...]
    """In execution order."""
    mixed: Mixed | None = None
    """None unless a maximum drift was requested."""

    def by_damage(self) -> tuple[LayerDrift, ...]:
        """The layers, sorted so that the one that costs most on its own comes first."""
        return tuple(sorted(self.layers, key=lambda layer: -layer.only.mean))


class Analysis:
    """Compares variants of a bundle's INT8 network with its FP32 network on the same engine."""

    def __init__(self, bundle: Path, clips: Iterable[NDArray[np.float32]], engine: str) -> None:
        """`clips` are `(1, 3, T, S, S)` each. `ModelError` if `bundle` lacks fp32 or int8."""
        if not bundle.is_dir():
            raise ModelError(
                f"{bundle} is no bundle folder: make one with `edgeecho export --int8`"
            )
        fp32 = open_model(bundle, precision="fp32")
        self._int8_file = open_model(bundle, precision="int8")
        self._engine = engine
        self._clips = list(clips)
        self._fp32, self._int8 = onnx.load(fp32.path), onnx.load(self._int8_file.path)
        reference = load_engine(engine, fp32)
        self._expected = _efs(reference, self._clips)
        self._facts = reference.facts
        self._names = quantized_layers(self._int8)

    @property
    def steps(self) -> int:
        """Number of networks that `run` builds before it returns any layer to float."""
        return 1 + 2 * len(self._names)

    def run(
        self, *, max_drift: float | None = None, on_step: Callable[[], object] = lambda: None
    ) -> Sensitivity:
        """Measure every layer; with `max_drift` in EF points, also find what has to be in float.

        Layers return to float one after the other, the most damaging first, until no clip's EF
        drifts further from FP32 than that. `VerificationError` if that leaves no layer in INT8.
        """

        def measured(floating: Collection[str]) -> Drift:
            drift = self._drift(self._variant(floating))
            on_step()
            return drift

        whole = measured(())
        every = set(self._names)
        layers = tuple(
            LayerDrift(name, measured(every - {name}), measured({name})) for name in self._names
        )
        facts = self._facts
        found = Sensitivity(
            f"{self._int8_file.name} {self._int8_file.version}",
            f"{facts.name} {facts.version}",
            len(self._clips),
            whole,
            layers,
        )
        if max_drift is None:
            return found
        return replace(found, mixed=self._mix(found, max_drift, measured))

    def _mix(
        self, found: Sensitivity, allowed: float, measured: Callable[[Collection[str]], Drift]
    ) -> Mixed:
        floating: list[str] = []
        drift = found.int8
        for layer in found.by_damage():
            if drift.max <= allowed:
                break
            floating.append(layer.name)
            drift = measured(floating)
        if not drift.max <= allowed or len(floating) == len(self._names):
            raise VerificationError(
                f"--max-drift {allowed:g} leaves no layer in INT8 (the last one gave "
                f"{drift.max:.4f} EF points): nothing was written; allow more, or use FP16"
            )
        return Mixed(tuple(floating), drift, self._slowdown(floating) if floating else 1.0)

    def _variant(self, floating: Collection[str]) -> Engine:
        with tempfile.TemporaryDirectory(prefix="edgeecho-sensitivity-") as folder:
            path = Path(folder) / "int8.onnx"
            onnx.save(return_to_float(self._int8, self._fp32, floating), path)
            return load_engine(self._engine, open_model(path))

    def _drift(self, engine: Engine) -> Drift:
        found = _efs(engine, self._clips)
        # Export corrects the mean error at the head, whichever layers are in float.
        found += (self._expected - found).mean()
        return Drift.of(found, self._expected, self._expected)

    def _slowdown(self, floating: Collection[str]) -> float:
        engines = self._variant(()), self._variant(floating)
        seconds: tuple[list[float], list[float]] = ([], [])
        for turn in range(SPEED_RUNS + 1):
            for engine, samples in zip(engines, seconds, strict=True):
                start = time.perf_counter()
                engine.run(self._clips[0])
                if turn:  # the first run warms up
                    samples.append(time.perf_counter() - start)
        return float(np.median(seconds[1]) / np.median(seconds[0]))


def _efs(engine: Engine, clips: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([engine.run(clip).ef for clip in clips])
