"""A bench run as JSON. Values computed from the samples are included, but only for readers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.environment import Environment
from edgeecho.common.errors import InputError
from edgeecho.engines import EngineFacts
from edgeecho.tools.bench.cold import CAVEAT, ColdStart
from edgeecho.tools.bench.compare import comparisons, deadlines, rates
from edgeecho.tools.bench.device.calls import DeviceCalls
from edgeecho.tools.bench.device.watch import Watched
from edgeecho.tools.bench.memory import PEAK_RSS_INCLUDES
from edgeecho.tools.bench.run import BenchRun, Series
from edgeecho.tools.bench.statistics import summarise
from edgeecho.tools.bench.threads import ThreadFacts

SCHEMA = "edgeecho-bench-1"


def to_json(run: BenchRun) -> str:
    """The run as JSON with all raw samples; times in ms, memory in MB (10^6 bytes)."""
    return json.dumps(to_dict(run), indent=2, ensure_ascii=False)


def to_dict(run: BenchRun) -> dict[str, Any]:
    """The run in plain types; `from_dict` is the inverse."""
    return {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "run": asdict(run),
        "computed": {
            "stages": {series.label: _stages(series) for series in run.series},
            "device": {
                series.label: {
                    "Throughput": calls.throughput_qps,
                    **{name: _summary(samples) for name, samples in calls.samples_ms.items()},
                }
                for series in run.series
                if (calls := series.device)
            },
            "masks_ms_per_frame": {
                s.label: median(s.samples_ms["masks"]) / s.traced for s in run.series if s.traced
            },
            "rates": {s.label: asdict(rates(s, run.videos)) for s in run.series},
            "ratios": [asdict(found) for found in comparisons(run)],
            "deadlines": {
                series.label: asdict(deadlines(series, run.every_ms))
                for series in run.series
                if run.every_ms is not None
            },
        },
        "notes": {"cold": CAVEAT, "peak_rss_mb": PEAK_RSS_INCLUDES},
    }


def read_run(path: Path) -> BenchRun:
    """Read what `edgeecho bench --json` wrote; `InputError` for anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["schema"] != SCHEMA:
            raise InputError(
                f"{path.name} is {value['schema']}, not {SCHEMA}: measure the baseline again"
            )
        return from_dict(value)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path.name} is not what `edgeecho bench --json` writes: measure the baseline again"
        ) from error


def from_dict(value: Mapping[str, Any]) -> BenchRun:
    """The run in a document of `to_dict`."""
    run = value["run"]
    environment = {**run["environment"]}
    load, watched = environment["load_average"], run["watched"]
    environment["load_average"] = None if load is None else tuple(load)
    return BenchRun(
        **{
            **run,
            "environment": Environment(**environment),
            "threads": ThreadFacts(**run["threads"]),
            "series": tuple(_series(series) for series in run["series"]),
            "watched": watched and Watched.from_dict(watched),
        }
    )


def _series(value: Mapping[str, Any]) -> Series:
    samples = {stage: tuple(ms) for stage, ms in value["samples_ms"].items()}
    if not samples["total"] or any(len(ms) != len(samples["total"]) for ms in samples.values()):
        raise ValueError("every stage has a sample for every total")
    device = value["device"]
    return Series(
        **{
            **value,
            "device": device and DeviceCalls.from_dict(device),
            "engine": EngineFacts.from_dict(value["engine"]),
            "samples_ms": samples,
            "cpu_ms": tuple(value["cpu_ms"]),
            "cold": tuple(ColdStart(**start) for start in value["cold"]),
            "accuracy": tuple(value["accuracy"]),
        }
    )


def _stages(series: Series) -> dict[str, Any]:
    return {stage: _summary(samples) for stage, samples in series.samples_ms.items()}


def _summary(samples: Sequence[float]) -> dict[str, Any]:
    summary = summarise(samples)
    return {
        "n": summary.n,
        "mean_ms": summary.mean,
        **{f"p{p.percent}_ms": p.value for p in summary.percentiles},
        "max_ms": summary.max,
        # Explains null percentiles: they need this many samples.
        "needed_n": {f"p{p.percent}": p.needed_n for p in summary.percentiles if p.value is None},
    }
