"""Finding the number of threads that answers a clip fastest on this machine."""

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
"""The engine to tune: the default on CPUs, whose choice of threads can be overridden."""


@dataclass(frozen=True)
class Tried:
    """The result for one number of threads."""

    threads: int
    median_ms: float
    against_default: Ratio
    """Ratio of its time to that with the engine's own choice."""


@dataclass(frozen=True)
class Tuning:
    """The measurements and the choice made."""

    default: int
    """Number of threads that the engine chooses itself."""
    tried: tuple[Tried, ...]
    """In increasing order of threads, including the default."""
    chosen: int
    """Number of threads from now on; 0 leaves it to the engine."""


def candidates(default: int, cores: int) -> tuple[int, ...]:
    """The engine's own choice, all cores, and that number halved down to one."""
    found = {default}
    while cores >= 1:
        found.add(cores)
        cores //= 2
    return tuple(sorted(found))


def tune(model: ModelFile, *, rounds: int, warmup: int = 3) -> Tuning:
    """Measure the candidates in turns on the package's example clip, and save the best."""
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
    remember_threads(machine_of(), model.precision, found.chosen)
    return found


def choose(times_ms: Mapping[int, Sequence[float]], default: int) -> Tuning:
    """Choose the fastest, but only if its whole interval is below the default's time."""
    tried = tuple(
        Tried(threads, median(samples), paired_ratio(samples, times_ms[default]))
        for threads, samples in sorted(times_ms.items())
    )
    faster = [t for t in tried if t.against_default.high is not None and t.against_default.high < 1]
    best = min(faster, key=lambda t: t.against_default.value, default=None)
    return Tuning(default, tried, best.threads if best else 0)
