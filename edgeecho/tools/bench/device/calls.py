"""Calls of an engine with memory of its own, divided and named as `trtexec` does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from edgeecho.engines import DeviceTimes
from edgeecho.inference import LoadedModel

H2D, COMPUTE, D2H, LATENCY, ENQUEUE = (
    "H2D Latency", "GPU Compute Time", "D2H Latency", "Latency", "Enqueue Time",
)  # fmt: skip


@dataclass(frozen=True)
class DeviceCalls:
    """Calls one after the other, of the same clips; nothing of one overlaps with the next."""

    clock: str
    """See `DeviceEngine.clock`."""
    batch: int
    """Clips of a call."""
    samples_ms: Mapping[str, tuple[float, ...]]
    """By `trtexec`'s names; `Enqueue Time` only where the library tells it."""
    wall_s: float
    """Of all calls, by the host's clock."""

    @property
    def throughput_qps(self) -> float:
        """Calls per second; each answers `batch` clips."""
        return len(self.samples_ms[LATENCY]) / self.wall_s

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> DeviceCalls:
        """Inverse of `asdict`, after JSON."""
        samples = {name: tuple(ms) for name, ms in value["samples_ms"].items()}
        return cls(**{**value, "samples_ms": samples})


def measure_calls(
    model: LoadedModel, clips: int, *, rounds: int, warmup: int
) -> DeviceCalls | None:
    """None: the engine has no memory of its own."""
    engine: Any = model.engine
    if not hasattr(engine, "timed"):
        return None
    spec = model.file.preprocess
    shape = (clips, 3, spec.frames, spec.size, spec.size)
    noise = np.random.default_rng(0).standard_normal(shape, np.float32)
    room = engine.room(clips) if hasattr(engine, "room") else None
    if room is not None:
        # Where answers are cut to, so that the host's copy does not count, as in `trtexec`.
        room[:] = noise
        noise = room
    for _ in range(warmup):
        engine.timed(noise)
    begin = perf_counter()
    times: list[DeviceTimes] = [engine.timed(noise) for _ in range(rounds)]
    wall_s = perf_counter() - begin
    samples = {
        H2D: tuple(t.h2d_ms for t in times),
        COMPUTE: tuple(t.compute_ms for t in times),
        D2H: tuple(t.d2h_ms for t in times),
        LATENCY: tuple(t.h2d_ms + t.compute_ms + t.d2h_ms for t in times),
    }
    enqueued = tuple(t.enqueue_ms for t in times if t.enqueue_ms is not None)
    if enqueued:
        samples[ENQUEUE] = enqueued
    return DeviceCalls(engine.clock, clips, samples, wall_s)
