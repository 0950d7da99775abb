"""Advice from a benchmark, in sentences that name the number behind it."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from edgeecho.common.precisions import PRECISIONS
from edgeecho.tools.bench.compare import comparisons, deadlines, shares
from edgeecho.tools.bench.device.calls import COMPUTE, ENQUEUE
from edgeecho.tools.bench.run import BenchRun, Series
from edgeecho.tools.bench.statistics import summarise

_DOMINATES = 0.7
_MOST = 0.5
_UNSTEADY = 1.25
"""Ratio of p90 to p50 above which the machine, not the program, determines the measurement."""
_WAYS = {
    "read": "another codec, or smaller frames",
    "preprocess": "frames that are cropped to the sector already",
    "masks": "a smaller precision, or no beats (--beats none)",
    "decide": "nothing that an option decides: please report it",
}
"""What would shorten a stage; for the engine see `_way`."""


def advise(run: BenchRun) -> tuple[str, ...]:
    """Advice on the machine, then on each series; empty if nothing stands out."""
    return (*_machine(run), *(line for series in run.series for line in _of(run, series)),
            *_sharing(run))  # fmt: skip


def _machine(run: BenchRun) -> Iterator[str]:
    environment = run.environment
    if environment.busy and environment.load_average:
        yield (
            f"the machine was busy before the start (load {environment.load_average[0]:.2f}): "
            "times are longer than they need be, and ratios less certain"
        )
    if environment.governor and "powersave" in environment.governor:
        yield "the CPU's governor is powersave: `performance` gives shorter and steadier times"
    usable = environment.cores_usable
    over = sorted({s.engine.threads for s in run.series if usable and s.engine.threads > usable})
    if over:
        yield f"{over[-1]} threads on {usable} usable cores wait for each other: --threads {usable}"
    if run.watched and run.watched.slowed:
        why = ", ".join(run.watched.slowed)
        yield f"the GPU lowered its clocks ({why}): times are longer than they need be"
    quota = environment.cpu_quota
    if quota and usable and quota < usable:
        yield (
            f"the container may use {quota:g} CPUs, but {usable} are seen: "
            f"--threads {max(1, int(quota))} keeps threads from being stopped"
        )


def _of(run: BenchRun, series: Series) -> Iterator[str]:
    stage, share = max(shares(series).items(), key=lambda item: item[1])
    if share >= (_DOMINATES if stage == "engine" else _MOST):
        way = _way(series, stage)
        yield f"{series.label}: {stage} takes {100 * share:.0f} % of the time; {way}"
    calls = series.device.samples_ms if series.device else {}
    if ENQUEUE in calls and median(calls[ENQUEUE]) > median(calls[COMPUTE]):
        yield (
            f"{series.label}: to ask for the network takes {median(calls[ENQUEUE]):.2f} ms, the "
            f"network {median(calls[COMPUTE]):.2f} ms: --engine tensorrt-graph asks once"
        )
    if unsteady := _unsteady(series):
        yield unsteady
    if run.every_ms is not None:
        found = deadlines(series, run.every_ms)
        if found.missed:
            slowest = max(series.samples_ms["total"])
            yield (
                f"{series.label}: {found.missed} of {found.missed + found.in_time} clips missed "
                f"their deadline; the slowest answer took {slowest:.0f} ms, "
                f"one came every {run.every_ms:g} ms"
            )


def _way(series: Series, stage: str) -> str:
    if stage != "engine":
        return f"what shortens it: {_WAYS[stage]}"
    *_, smallest = PRECISIONS
    smaller = "" if series.model["precision"] == smallest else f"{smallest}, "
    fewer = "another engine, or fewer clips" if series.clips > 1 else "or another engine"
    return f"what shortens it: {smaller}{fewer}".replace(": or ", ": ")


def _unsteady(series: Series) -> str | None:
    values = {p.percent: p.value for p in summarise(series.samples_ms["total"]).percentiles}
    middle, high = values[50], values[90]
    if middle is None or high is None or high < _UNSTEADY * middle:
        return None
    return (
        f"{series.label}: one run in ten takes {high / middle:.2f} times the median or more: "
        "stop other programs, or take more --runs"
    )


def _sharing(run: BenchRun) -> Iterator[str]:
    if run.scenario != "study":
        return
    if not any(series.clips_shared for series in run.series):
        yield "nothing was shared: the model holds no shared graph (`edgeecho export --shared`)"
    for found in comparisons(run):
        alone = found.base == f"{found.label}:plain" and found.stage == "total"
        if alone and found.times.high is not None and found.times.high < 1:
            yield f"{found.label}: sharing costs time here ({found.times.value:.2f} times as fast)"
