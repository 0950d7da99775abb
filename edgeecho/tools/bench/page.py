"""A bench run as a self-contained HTML page with plots, which makes no network requests."""

from __future__ import annotations

from datetime import datetime
from html import escape
from pathlib import Path
from statistics import median
from string import Template

from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.text import printable
from edgeecho.report.html.assets import policy_hash, read_asset
from edgeecho.report.html.facts import fact_list
from edgeecho.report.html.parts import card, table
from edgeecho.tools.bench.advice import advise
from edgeecho.tools.bench.cold import CAVEAT
from edgeecho.tools.bench.compare import comparisons, deadlines, rates
from edgeecho.tools.bench.device.tables import device_tables
from edgeecho.tools.bench.plots import draw_accuracy, draw_latency, draw_stages
from edgeecho.tools.bench.run import SCENARIOS, STAGES, BenchRun, Series
from edgeecho.tools.bench.statistics import PERCENTS, summarise
from edgeecho.tools.bench.text import COLD_ROWS, masks_words, ratio_words


def to_html(run: BenchRun, created: datetime) -> str:
    """The page. Its Content-Security-Policy allows only its own style, by its hash."""
    style = read_asset("page.css") + _own("page.css")
    count = run.series[0].clips
    clips = f"{count} clip{'s' * (count > 1)} ({run.clips})"
    due = "" if run.every_ms is None else f" A clip came every {run.every_ms:g} ms (broken line)."
    return Template(_own("page.html")).substitute(
        policy=f"default-src 'none'; style-src {policy_hash(style)}; "
        "base-uri 'none'; form-action 'none'",
        style=style,
        research_use=RESEARCH_USE,
        scenario=f"{run.scenario}, {SCENARIOS[run.scenario]}",
        video=escape(printable(f"{run.video}, {run.frames} frames, {clips}")),
        created=created.strftime("%Y-%m-%d %H:%M %Z").strip(),
        deadline=due,
        latency=draw_latency(run),
        summary=_summary(run),
        stages=draw_stages(run),
        legend=_legend(run),
        ratios=_ratios(run),
        accuracy=_accuracy(run),
        cold=_cold(run),
        device=_device(run),
        advice=_advice(run),
        facts=_facts(run),
    )


def _own(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _summary(run: BenchRun) -> str:
    head = ["ms", "n", "mean", *(f"p{p}" for p in PERCENTS), "max", "cores busy"]
    head += ["videos/s", "clips/s"] if run.every_ms is None else ["in time", "late", "dropped"]
    return table(head, (_summary_row(run, series) for series in run.series))


def _summary_row(run: BenchRun, series: Series) -> list[str]:
    summary, found = summarise(series.samples_ms["total"]), rates(series, run.videos)
    cells = [series.label, str(summary.n), f"{summary.mean:.1f}"]
    cells += [
        f"n < {p.needed_n}" if p.value is None else f"{p.value:.1f}" for p in summary.percentiles
    ]
    cells += [f"{summary.max:.1f}", f"{found.cores_busy:.2f}"]
    if run.every_ms is None:
        return [*cells, f"{found.videos_per_s:.2f}", f"{found.clips_per_s:.2f}"]
    due = deadlines(series, run.every_ms)
    return [*cells, str(due.in_time), str(due.late), str(due.dropped)]


def _legend(run: BenchRun) -> str:
    items = "".join(
        f'<span><svg aria-hidden="true"><rect class="stage-{stage}" width="12" height="12"/></svg>'
        f"{stage}</span>"
        for stage in STAGES
        if any(stage in series.stages for series in run.series)
    )
    return f'<p class="legend">{items}</p>'


def _ratios(run: BenchRun) -> str:
    rows = [[f"{c.label} against {c.base}", c.stage, ratio_words(c.times)]
            for c in comparisons(run)]  # fmt: skip
    if not rows:
        return ""
    note = "They took turns: each ratio is of two times of one round. In brackets: 95 % interval."
    ratios = table(["", "stage", "times as fast"], rows)
    return card("ratios", "How many times as fast", f'<p class="soft">{note}</p>{ratios}')


def _accuracy(run: BenchRun) -> str:
    if not any(series.accuracy for series in run.series):
        return ""
    drawing = draw_accuracy(run)
    if drawing is None:
        modes = sorted({entry["clips"] for s in run.series for entry in s.accuracy})
        said = f"The manifest has errors measured with {', '.join(modes)}, not with {run.clips}."
        return card("accuracy", "Accuracy against speed", f'<p class="soft">{escape(said)}</p>')
    data = sorted({f"{e['data']}, {e['split']}, n {e['n']}" for s in run.series
                   for e in s.accuracy if e["clips"] == run.clips})  # fmt: skip
    said = f"Errors as the manifest has them ({'; '.join(data)}); times of this run."
    return card(
        "accuracy",
        "Accuracy against speed",
        f'<p class="soft">{escape(printable(said))}</p>{drawing}',
    )


def _cold(run: BenchRun) -> str:
    started = [series for series in run.series if series.cold]
    if not started:
        return ""
    rows = [
        [words, *(f"{median(getattr(c, name) for c in s.cold):.0f}" for s in started)]
        for name, words in COLD_ROWS.items()
    ]
    peaks = [[c.peak_rss_mb for c in s.cold if c.peak_rss_mb is not None] for s in started]
    rows.append(["peak memory, MB", *(f"{max(p):.0f}" if p else "unknown" for p in peaks)])
    head = ["median, ms", *(f"{s.label}, n {len(s.cold)}" for s in started)]
    note = f'<p class="soft">{escape(CAVEAT[0].upper() + CAVEAT[1:])}.</p>'
    return card("cold", "Cold start", note + table(head, rows))


def _device(run: BenchRun) -> str:
    found = "".join(
        f'<p class="soft">{escape(title)}</p>{table(rows[0], rows[1:])}'
        for title, rows in device_tables(run)
    )
    return card("device", "On the GPU", found) if found else ""


def _advice(run: BenchRun) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in advise(run))
    return card("advice", "Advice", f"<ul>{items}</ul>") if items else ""


def _facts(run: BenchRun) -> str:
    env = run.environment
    memory = "unknown" if run.peak_rss_mb is None else f"{run.peak_rss_mb:.0f} MB"
    load = ", ".join(f"{v:.2f}" for v in env.load_average) if env.load_average else "unknown"
    facts = [
        ("CPU", f"<bdi>{escape(printable(env.cpu))}</bdi>"),
        ("Cores", f"{env.cores_physical or '?'} physical, {env.cores_logical or '?'} logical, "
                  f"{env.cores_usable or '?'} usable; limit {env.cpu_quota or 'none'}"),
        ("Load before", load),
        ("Threads", f"{run.threads.process or '?'} in the process, OpenCV {run.threads.opencv}"),
        ("Peak memory of the measuring process", memory),
        ("Software", escape(f"edgeecho {env.edgeecho}, Python {env.python}, NumPy {env.numpy}, "
                            f"OpenCV {env.opencv}; {env.distribution or env.system}")),
    ]  # fmt: skip
    for series in run.series:
        model, engine = series.model, series.engine
        said = (
            f"{model['name']} {model['version']}, {model['precision']}; {engine.name} "
            f"{engine.version}, {engine.precision}, {engine.threads} threads; SHA-256 "
        )
        masks = f"; {masks_words(series)}" if series.traced else ""
        facts.append((escape(series.label), f"{escape(said)}<code>{model['sha256']}</code>{masks}"))
    return fact_list(facts)
