"""The parts of a call and the state of the GPU as tables, for the text and the page."""

from __future__ import annotations

import textwrap

from edgeecho.tools.bench.device.calls import DeviceCalls
from edgeecho.tools.bench.device.watch import Watched
from edgeecho.tools.bench.run import BenchRun
from edgeecho.tools.bench.statistics import PERCENTS, summarise

Rows = list[list[str]]


def device_tables(run: BenchRun) -> list[tuple[str, Rows]]:
    """Titles, and rows of which the first is the heading; empty without a GPU."""
    found = [(_calls_title(s.label, s.device), _calls(s.device)) for s in run.series if s.device]
    return found + ([(_watched_title(run.watched), _watched(run.watched))] if run.watched else [])


def device_text(run: BenchRun) -> list[list[str]]:
    """The same for a terminal: lines of each."""
    blocks = []
    for title, rows in device_tables(run):
        widest = max(len(row[0]) for row in rows)
        lines = [f"  {name:<{widest}}" + "".join(f"{cell:>8}" for cell in cells)
                 for name, *cells in rows]  # fmt: skip
        blocks.append([*textwrap.wrap(title, 80), *lines])
    return blocks


def _calls_title(label: str, calls: DeviceCalls) -> str:
    clips = f"{calls.batch} clip{'s' * (calls.batch > 1)}"
    rate = f"Throughput {calls.throughput_qps:.1f} qps"
    return f"Calls of {label} alone, {clips} each, by {calls.clock}: {rate}"


def _calls(calls: DeviceCalls) -> Rows:
    rows = [["ms", "n", "mean", *(f"p{percent}" for percent in PERCENTS), "max"]]
    for name, samples in calls.samples_ms.items():
        summary = summarise(samples)
        cells = [
            f"n<{p.needed_n}" if p.value is None else _ms(p.value) for p in summary.percentiles
        ]
        rows.append([name, str(summary.n), _ms(summary.mean), *cells, _ms(summary.max)])
    return rows


def _ms(value: float) -> str:
    return f"{value:.3f}" if value < 100 else f"{value:.1f}"


def _watched_title(found: Watched) -> str:
    slowed = "".join(f"; clocks lowered by {why} in {100 * part:.0f} % of them"
                     for why, part in found.slowed.items())  # fmt: skip
    said = f"; it also said: {found.said}" if found.said else ""
    readings = f"{found.readings} reading{'s' * (found.readings != 1)}"
    return f"GPU meanwhile, by {found.monitor}, {readings}{slowed}{said}"


def _watched(found: Watched) -> Rows:
    rows = [["as it names them", "min", "mean", "max"]]
    for name, seen in found.ranges.items():
        rows.append([name, f"{seen.low:.5g}", f"{seen.mean:.5g}", f"{seen.high:.5g}"])
    return rows
