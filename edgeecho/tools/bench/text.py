"""A bench run as text for people."""

from __future__ import annotations

import textwrap
from dataclasses import fields
from statistics import median

from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.environment import Environment
from edgeecho.common.text import printable
from edgeecho.tools.bench.advice import advise
from edgeecho.tools.bench.cold import CAVEAT, ColdStart
from edgeecho.tools.bench.compare import Comparison, comparisons, deadlines, rates
from edgeecho.tools.bench.device.tables import device_text
from edgeecho.tools.bench.memory import PEAK_RSS_INCLUDES
from edgeecho.tools.bench.run import BenchRun, Series
from edgeecho.tools.bench.statistics import PERCENTS, Percentile, Ratio, summarise

COLD_ROWS = {
    "import_ms": "import",
    "load_ms": "load model",
    "first_inference_ms": "first inference",
    "first_answer_ms": "first answer of the loaded model",
    "start_to_answer_ms": "process start to answer",
}


def to_text(run: BenchRun) -> str:
    """The report for a terminal or a file; the disclaimer comes last."""
    blocks = [_what_ran(run), _machine(run), *(_series(run, series) for series in run.series)]
    blocks += [_ratios(comparisons(run)), *device_text(run)]
    blocks += [_entry("memory", _memory(run)), _advice(run)]
    blocks += [[RESEARCH_USE]]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _what_ran(run: BenchRun) -> list[str]:
    every = "" if run.every_ms is None else f", one every {run.every_ms:g} ms"
    first = run.series[0]
    clips = f"{first.clips} clip{'s' * (first.clips > 1)}"
    if run.videos > 1:
        clips += " in all"
    model = first.model
    return [
        *_entry("scenario", f"{run.scenario}{every}"),
        *_entry("video", printable(f"{run.video}, {run.frames} frames, {clips} ({run.clips})")),
        *_entry("model", printable(f"{model['name']} {model['version']}")),
    ]


def _series(run: BenchRun, series: Series) -> list[str]:
    engine = series.engine
    calls = f"{series.batch} clip{'s' * (series.batch > 1)} a call at most"
    if series.clips_shared:
        calls = f"{series.clips_shared} of {series.clips} clips share their work"
    return [
        *_entry(
            "engine",
            f"{engine.name} {engine.version}, {engine.precision}, {engine.threads} threads on "
            f"{engine.device}; {series.model['precision']} model, sha256 "
            f"{series.model['sha256'][:12]}, {calls}",
        ),
        *(
            line
            for one in engine.passed_over
            for line in _entry("", f"passed over: {one.name} ({one.why})")
        ),
        "",
        *_cold(series.cold),
        "",
        *_warm(run, series),
        "",
        *_entry("rate", _rate(run, series)),
        *(_entry("masks", masks_words(series)) if series.traced else []),
    ]


def _machine(run: BenchRun) -> list[str]:
    env: Environment = run.environment
    memory = "?" if env.memory_mb is None else f"{env.memory_mb / 1e3:.1f}"
    load = ", ".join(f"{v:.2f}" for v in env.load_average) if env.load_average else "unknown"
    return [
        *_entry("cpu", env.cpu),
        *_entry(
            "cores",
            f"{env.cores_physical or '?'} physical, {env.cores_logical or '?'} logical, "
            f"{env.cores_usable or '?'} usable here, container limit {env.cpu_quota or 'none'}; "
            f"governor {env.governor or 'not readable'}",
        ),
        *_entry("memory", f"{memory} GB"),
        *_entry("threads", _threads(run)),
        *_entry("load", f"{load} (1, 5, 15 minutes, before the first measurement)"),
        *_entry(
            "software",
            f"edgeecho {env.edgeecho}, Python {env.python}, NumPy {env.numpy}, "
            f"OpenCV {env.opencv}; {env.distribution or 'unknown system'}, {env.system}",
        ),
    ]


def _threads(run: BenchRun) -> str:
    facts = run.threads
    said = "".join(f", {name}={value}" for name, value in facts.variables.items())
    return printable(f"{facts.process or '?'} in this process, OpenCV may use {facts.opencv}{said}")


def _cold(cold: tuple[ColdStart, ...]) -> list[str]:
    if not cold:
        return ["Cold start: not measured"]
    lines = [
        f"Cold start, {len(cold)} fresh process{'es' * (len(cold) > 1)}, ms".ljust(40)
        + f"{'min':>11}{'median':>11}{'max':>11}",
    ]
    for field in fields(ColdStart):
        if field.name not in COLD_ROWS:
            continue
        values = [getattr(start, field.name) for start in cold]
        cells = (min(values), median(values), max(values))
        lines.append(f"  {COLD_ROWS[field.name]:<38}" + "".join(f"{v:>11.1f}" for v in cells))
    peaks = [start.peak_rss_mb for start in cold if start.peak_rss_mb is not None]
    note = CAVEAT + (f"; peak memory of one {max(peaks):.0f} MB" if peaks else "")
    return [*lines, *textwrap.wrap(note, 80, initial_indent="  ", subsequent_indent="  ")]


def _warm(run: BenchRun, series: Series) -> list[str]:
    heads = ("n", "mean", *(f"p{percent}" for percent in PERCENTS), "max")
    after = f" after {run.warmup} rounds for warming up" if run.warmup else ""
    lines = [
        f"Warm runs of {series.label}{after}, ms",
        f"  {'stage':<11}" + "".join(f"{head:>9}" for head in heads),
    ]
    for stage, samples in series.samples_ms.items():
        summary = summarise(samples)
        percentiles = [_cell(percentile) for percentile in summary.percentiles]
        cells = [str(summary.n), f"{summary.mean:.1f}", *percentiles, f"{summary.max:.1f}"]
        lines.append(f"  {stage:<11}" + "".join(f"{cell:>9}" for cell in cells))
    if any(p.value is None for p in summary.percentiles):
        lines.append("  n<100 and the like: that percentile takes at least so many runs")
    return lines


def _cell(percentile: Percentile) -> str:
    return f"n<{percentile.needed_n}" if percentile.value is None else f"{percentile.value:.1f}"


def _rate(run: BenchRun, series: Series) -> str:
    found = rates(series, run.videos)
    if run.every_ms is not None:
        due = deadlines(series, run.every_ms)
        return (
            f"{due.in_time} clips answered in time, {due.late} late, {due.dropped} dropped; "
            f"{found.cores_busy:.2f} cores busy while answering"
        )
    return (
        f"{found.videos_per_s:.2f} videos/s, {found.clips_per_s:.2f} clips/s one after the other; "
        f"the engine alone {found.engine_clips_per_s:.2f} clips/s; "
        f"{found.cores_busy:.2f} cores busy"
    )


def masks_words(series: Series) -> str:
    """What the masks and beats of a sample take in the median, whole and for each frame."""
    ms = median(series.samples_ms["masks"])
    return f"{ms:.1f} ms for {series.traced} frames, {ms / series.traced:.2f} ms a frame"


def _ratios(found: tuple[Comparison, ...]) -> list[str]:
    if not found:
        return []
    lines = ["Times as fast, round by round (95 % interval)"]
    for one in found:
        if one.stage == "total":
            lines.append(f"  {one.label} against {one.base}")
        lines.append(f"    {one.stage:<9}{ratio_words(one.times)}")
    return lines


def ratio_words(ratio: Ratio) -> str:
    """Such as `1.42 (1.38 to 1.46), n 30`."""
    if ratio.low is None or ratio.high is None:
        return f"{ratio.value:.2f} (one sample carries no interval)"
    return f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f}), n {ratio.n}"


def _memory(run: BenchRun) -> str:
    memory = "unknown" if run.peak_rss_mb is None else f"{run.peak_rss_mb:.0f} MB"
    return f"peak {memory}: {PEAK_RSS_INCLUDES}"


def _advice(run: BenchRun) -> list[str]:
    return [line for words in advise(run) for line in _entry("advice", words)]


def _entry(name: str, text: str) -> list[str]:
    """A wrapped entry; long CPU names continue on the next line."""
    return textwrap.wrap(
        text, 80, initial_indent=f"{name:<10}", subsequent_indent=" " * 10, break_on_hyphens=False
    )
