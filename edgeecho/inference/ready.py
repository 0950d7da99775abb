"""Everything before the network: decode, preprocess and measure, also ahead in a thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from edgeecho.cine import DEFAULT_LIMITS, NO_SITE, Cine, DecodeLimits, read_cine
from edgeecho.dataset import with_listed_rate
from edgeecho.preprocess import Handling, Prepared, PreprocessSpec, VideoFacts, prepare
from edgeecho.trust import Signals, measure

Read = TypeVar("Read")


@dataclass(frozen=True, eq=False)
class ReadyVideo:
    """A preprocessed and measured video. It has no decoded frames, which may be large."""

    prepared: Prepared
    facts: VideoFacts
    signals: Signals
    timings_ms: Mapping[str, float]
    """Times of decode (if read from a file) and preprocess in their thread."""


def make_ready(
    cine: Cine,
    spec: PreprocessSpec,
    handling: Handling | None,
    limits: DecodeLimits = DEFAULT_LIMITS,
) -> ReadyVideo:
    """Prepare a decoded video and measure what gates and results need. Errors: see `prepare`."""
    begin = time.perf_counter()
    ready = measure_prepared(cine, prepare(cine, spec, handling, limits), spec)
    return replace(ready, timings_ms={"preprocess": (time.perf_counter() - begin) * 1e3})


def measure_prepared(cine: Cine, prepared: Prepared, spec: PreprocessSpec) -> ReadyVideo:
    """Measure a video that is already prepared."""
    begin = time.perf_counter()
    facts = VideoFacts.of(cine, prepared, spec)
    signals = measure(cine, prepared, facts, spec)
    return ReadyVideo(prepared, facts, signals, {"preprocess": (time.perf_counter() - begin) * 1e3})


def read_ready(
    path: Path,
    spec: PreprocessSpec,
    *,
    handling: Handling | None = None,
    fps: float | None = None,
    listed_fps: float | None = None,
    limits: DecodeLimits = DEFAULT_LIMITS,
) -> ReadyVideo:
    """Decode a file and make it ready; `fps`, in frames/s, overrides the file's frame rate.

    `listed_fps` is the data set's, see `with_listed_rate`.
    """
    begin = time.perf_counter()
    cine = read_cine(path, limits, handling.views if handling else NO_SITE)
    decode_ms = (time.perf_counter() - begin) * 1e3
    cine = with_listed_rate(cine, listed_fps) if fps is None else cine.at_rate(fps)
    ready = make_ready(cine, spec, handling, limits)
    return replace(ready, timings_ms={"decode": decode_ms, **ready.timings_ms})


@contextmanager
def read_ahead(
    read: Callable[[Path], Read], files: Sequence[Path]
) -> Iterator[Iterator[Future[Read]]]:
    """Call `read` for each file, in order, in a thread that is one file ahead of the consumer.

    Reading starts at once, so that a model can be loaded meanwhile. A file's future raises its
    error. Leaving the context waits for the file that is being read, and reads no more.
    """
    # Only one thread and one file ahead: more would hold more videos in memory, and the engine can
    # use all cores itself.
    pool = ThreadPoolExecutor(1, "edgeecho-read")
    left = iter(files)
    waiting: deque[Future[Read]] = deque()

    def submit_next() -> None:
        waiting.extend(pool.submit(read, file) for file in islice(left, 1))

    def take() -> Iterator[Future[Read]]:
        while waiting:
            submit_next()
            yield waiting.popleft()

    submit_next()
    try:
        yield take()
    finally:
        pool.shutdown(cancel_futures=True)
