"""How many threads answer a clip fastest on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from edgeecho.bundle import EXAMPLE, ModelFile
from edgeecho.cine import read_cine
from edgeecho.common.cpu import usable_cores
from edgeecho.engines import Engine, load_engine
from edgeecho.engines.openvino.engine import machine_of
from edgeecho.engines.openvino.threads import remember_threads
from edgeecho.inference import run_clips
from edgeecho.preprocess import ClipMode, clip_starts, prepare
from edgeecho.tools.bench.statistics import Ratio, paired_ratio
from edgeecho.tools.bench.turns import take_turns

ENGINE = "openvino"
"""The one that chooses for itself and can be told otherwise; it is the default on CPUs."""


@dataclass(frozen=True)
class Tried:
    """One number of threads."""

    threads: int
    median_ms: float
    against_default: Ratio
    """Its time over that of the engine's own choice."""


@dataclass(frozen=True)
class Tuning:
    """What was measured, and what follows."""

    default: int
    """Threads that the engine chooses itself."""
    tried: tuple[Tried, ...]
    """In increasing order of threads, the default among them."""
    chosen: int
    """Threads from now on; 0: the engine's own choice."""


def candidates(default: int, cores: int) -> tuple[int, ...]:
    """The engine's own choice, all cores, and halves of them down to one."""
    found = {default}
    while cores >= 1:
        found.add(cores)
        cores //= 2
    return tuple(sorted(found))


def tune(model: ModelFile, *, rounds: int, warmup: int = 3) -> Tuning:
    """Measure the candidates in turns on the package's example clip, and remember the best."""
    cine = read_cine(EXAMPLE)
    prepared = prepare(cine, model.preprocess)
    starts = clip_starts(len(prepared.frames), model.preprocess, ClipMode.parse("center"))
    own = load_engine(ENGINE, model)
    default = own.facts.threads
    assert default is not None
    engines = {
        threads: own if threads == default else load_engine(ENGINE, model, threads=threads)
        for threads in candidates(default, usable_cores())
    }

    def timed(engine: Engine) -> float:
        return run_clips(prepared, model.preprocess, engine, starts).engine_ms

    tasks: dict[str, Callable[[], float]] = {
        str(threads): partial(timed, engine) for threads, engine in engines.items()
    }
    times = take_turns(tasks, rounds=rounds, warmup=warmup)
    found = choose({int(name): samples for name, samples in times.items()}, default)
    import openvino

    remember_threads(machine_of(openvino.Core()), model.precision, found.chosen)
    return found


def choose(times_ms: Mapping[int, Sequence[float]], default: int) -> Tuning:
    """The fastest by threads, but only if its whole interval lies below the default's time."""
    tried = tuple(
        Tried(threads, median(samples), paired_ratio(samples, times_ms[default]))
        for threads, samples in sorted(times_ms.items())
    )
    faster = [t for t in tried if t.against_default.high is not None and t.against_default.high < 1]
    best = min(faster, key=lambda t: t.against_default.value, default=None)
    return Tuning(default, tried, best.threads if best else 0)
