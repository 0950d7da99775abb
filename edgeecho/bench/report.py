"""The measurement as JSON for programs and as text for people."""

from __future__ import annotations

import json
import statistics
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from edgeecho import RESEARCH_USE
from edgeecho.bench.cold import CAVEAT, ColdStart
from edgeecho.bench.environment import Environment
from edgeecho.bench.measure import PEAK_RSS_INCLUDES, WarmRuns
from edgeecho.bench.statistics import PERCENTS, Percentile, summarise
from edgeecho.bundle import ModelFile
from edgeecho.engines import EngineFacts

SCHEMA = "edgeecho-bench-1"
_COLD_ROWS = {
    "import_ms": "import",
    "load_ms": "load and compile model",
    "first_inference_ms": "first inference",
    "first_answer_ms": "first answer, decoding included",
    "start_to_answer_ms": "process start to answer",
}


@dataclass(frozen=True)
class BenchReport:
    """All that one `edgeecho bench` found out."""

    video: str
    """File name without folders."""
    clips: str
    """Clip mode."""
    model: ModelFile
    engine: EngineFacts
    environment: Environment
    cold: tuple[ColdStart, ...]
    """Empty: not measured."""
    warm: WarmRuns


def to_json(report: BenchReport) -> str:
    """One document with every raw sample; times in ms, memory in MB (10^6 bytes)."""
    model, warm = report.model, report.warm
    value = {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "model": {
            "name": model.name,
            "version": model.version,
            "precision": model.precision,
            "sha256": model.sha256,
            "preprocess_sha256": model.preprocess.sha256(),
        },
        "engine": asdict(report.engine),
        "video": {"name": report.video, "frames": warm.frames},
        "clips": {"mode": report.clips, "per_video": warm.clips_per_video},
        "environment": asdict(report.environment),
        "cold_start": {"runs": [asdict(start) for start in report.cold], "note": CAVEAT},
        "warm": {
            "warmup": warm.warmup,
            "runs": len(warm.samples_ms["total"]),
            "stages": {name: _stage(samples) for name, samples in warm.samples_ms.items()},
        },
        "throughput": {
            "videos_per_s": warm.videos_per_s,
            "clips_per_s": warm.clips_per_s,
            "engine_clips_per_s": warm.engine_clips_per_s,
        },
        "memory": {"peak_rss_mb": warm.peak_rss_mb, "includes": PEAK_RSS_INCLUDES},
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _stage(samples: Sequence[float]) -> dict[str, Any]:
    summary = summarise(samples)
    return {
        "n": summary.n,
        "mean_ms": summary.mean,
        **{f"p{p.percent}_ms": p.value for p in summary.percentiles},
        "max_ms": summary.max,
        # Why a percentile is null: it takes this many samples.
        "needed_n": {f"p{p.percent}": p.needed_n for p in summary.percentiles if p.value is None},
        "samples_ms": samples,
    }


def to_text(report: BenchReport) -> str:
    """A page for a terminal or a file; the banner comes last."""
    blocks = [_what_ran(report), _machine(report.environment), _cold(report.cold)]
    blocks += [_warm(report.warm), _throughput(report.warm), [RESEARCH_USE]]
    return "\n\n".join("\n".join(block) for block in blocks)


def _what_ran(report: BenchReport) -> list[str]:
    model, engine, warm = report.model, report.engine, report.warm
    clips = f"{warm.clips_per_video} clip{'s' * (warm.clips_per_video > 1)}"
    return [
        *_entry("video", f"{report.video}, {warm.frames} frames, {clips} ({report.clips})"),
        *_entry(
            "model", f"{model.name} {model.version}, {model.precision}, sha256 {model.sha256[:12]}"
        ),
        *_entry(
            "engine",
            f"{engine.name} {engine.version}, {engine.precision}, "
            f"{engine.threads} threads on {engine.device}",
        ),
    ]


def _machine(env: Environment) -> list[str]:
    memory = "?" if env.memory_mb is None else f"{env.memory_mb / 1e3:.1f}"
    load = ", ".join(f"{v:.2f}" for v in env.load_average) if env.load_average else "unknown"
    lines = [
        *_entry("cpu", env.cpu),
        *_entry(
            "cores",
            f"{env.cores_physical or '?'} physical, {env.cores_logical or '?'} logical, "
            f"{env.cores_usable or '?'} usable here, container limit {env.cpu_quota or 'none'}; "
            f"governor {env.governor or 'not readable'}",
        ),
        *_entry("memory", f"{memory} GB"),
        *_entry("load", f"{load} (1, 5, 15 minutes, before the first measurement)"),
        *_entry(
            "software",
            f"edgeecho {env.edgeecho}, Python {env.python}, NumPy {env.numpy}, "
            f"OpenCV {env.opencv}; {env.distribution or 'unknown system'}, {env.system}",
        ),
    ]
    if env.busy:
        lines += _entry("note", "the machine was busy before the start: expect longer times")
    return lines


def _cold(cold: tuple[ColdStart, ...]) -> list[str]:
    if not cold:
        return ["Cold start: not measured"]
    lines = [
        f"Cold start, {len(cold)} fresh process{'es' * (len(cold) > 1)}, ms"
        f"{'min':>15}{'median':>11}{'max':>11}",
    ]
    for field in fields(ColdStart):
        values = [getattr(start, field.name) for start in cold]
        cells = (min(values), statistics.median(values), max(values))
        lines.append(f"  {_COLD_ROWS[field.name]:<38}" + "".join(f"{v:>11.1f}" for v in cells))
    return [*lines, *textwrap.wrap(CAVEAT, 80, initial_indent="  ", subsequent_indent="  ")]


def _warm(warm: WarmRuns) -> list[str]:
    heads = ("n", "mean", *(f"p{percent}" for percent in PERCENTS), "max")
    lines = [
        f"Warm runs after {warm.warmup} for warming up, ms",
        f"  {'stage':<11}" + "".join(f"{head:>9}" for head in heads),
    ]
    for stage, samples in warm.samples_ms.items():
        summary = summarise(samples)
        percentiles = [_cell(percentile) for percentile in summary.percentiles]
        cells = [str(summary.n), f"{summary.mean:.1f}", *percentiles, f"{summary.max:.1f}"]
        lines.append(f"  {stage:<11}" + "".join(f"{cell:>9}" for cell in cells))
    if any(p.value is None for p in summary.percentiles):
        lines.append("  n<100 and the like: that percentile takes at least so many runs")
    return lines


def _cell(percentile: Percentile) -> str:
    return f"n<{percentile.needed_n}" if percentile.value is None else f"{percentile.value:.1f}"


def _throughput(warm: WarmRuns) -> list[str]:
    memory = "unknown" if warm.peak_rss_mb is None else f"{warm.peak_rss_mb:.0f} MB"
    return [
        *_entry(
            "rate",
            f"{warm.videos_per_s:.2f} videos/s, {warm.clips_per_s:.2f} clips/s one after the "
            f"other; the engine alone {warm.engine_clips_per_s:.2f} clips/s",
        ),
        *_entry("memory", f"peak {memory}: {PEAK_RSS_INCLUDES}"),
    ]


def _entry(name: str, text: str) -> list[str]:
    """Wrapped, never cut: long CPU names go on in the next line."""
    return textwrap.wrap(
        text, 80, initial_indent=f"{name:<10}", subsequent_indent=" " * 10, break_on_hyphens=False
    )
