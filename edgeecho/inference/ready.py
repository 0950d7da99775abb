"""All that is done with a video before the network sees it, and doing it ahead in a thread."""

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

from edgeecho.cine import DEFAULT_LIMITS, Cine, Limits, read_cine
from edgeecho.dataset import with_listed_rate
from edgeecho.preprocess import Handling, Prepared, PreprocessSpec, VideoFacts, prepare
from edgeecho.trust import Signals, measure

Read = TypeVar("Read")


@dataclass(frozen=True, eq=False)
class Ready:
    """A video that waits for the network. It holds no decoded frames, which may be large."""

    prepared: Prepared
    facts: VideoFacts
    signals: Signals
    timings_ms: Mapping[str, float]
    """decode (when read from a file), preprocess: as long as they took in their thread."""


def make_ready(
    cine: Cine, spec: PreprocessSpec, handling: Handling | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Ready:  # fmt: skip
    """Prepare a decoded video and measure what gates and results need. Errors: `prepare`'s."""
    begin = time.perf_counter()
    ready = look_at(cine, prepare(cine, spec, handling, limits), spec)
    return replace(ready, timings_ms={"preprocess": (time.perf_counter() - begin) * 1e3})


def look_at(cine: Cine, prepared: Prepared, spec: PreprocessSpec) -> Ready:
    """The same of a video that was prepared already."""
    begin = time.perf_counter()
    facts = VideoFacts.of(cine, prepared, spec)
    signals = measure(cine, prepared, facts, spec)
    return Ready(prepared, facts, signals, {"preprocess": (time.perf_counter() - begin) * 1e3})


def read_ready(
    path: Path,
    spec: PreprocessSpec,
    *,
    handling: Handling | None = None,
    fps: float | None = None,
    listed_fps: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Ready:
    """`make_ready` of a file; `fps`, in frames/s, goes before what the file says.

    `listed_fps`, a data set's: see `with_listed_rate`.
    """
    begin = time.perf_counter()
    cine = read_cine(path, limits)
    decode_ms = (time.perf_counter() - begin) * 1e3
    cine = with_listed_rate(cine, listed_fps) if fps is None else cine.at_rate(fps)
    ready = make_ready(cine, spec, handling, limits)
    return replace(ready, timings_ms={"decode": decode_ms, **ready.timings_ms})


@contextmanager
def read_ahead(
    read: Callable[[Path], Read], files: Sequence[Path]
) -> Iterator[Iterator[Future[Read]]]:
    """`read` of each file, in order, in a thread that is one file ahead of whoever takes them.

    It begins at once, so that a model can be loaded meanwhile. An error stays with its file: the
    future raises it. Leaving waits for the file that is being read, and reads no more.
    """
    # One thread and one file ahead: more would hold more videos in memory, and while the engine
    # runs, it has use for every core itself.
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
