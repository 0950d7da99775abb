"""An evaluation as a self-contained HTML page with tables and plots."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template

from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.report.html.assets import policy_hash, read_asset
from edgeecho.report.html.facts import fact_list
from edgeecho.report.html.parts import card, table
from edgeecho.tools.evaluate.assess import Assessed, EvaluationReport
from edgeecho.tools.evaluate.mask_tables import mask_tables
from edgeecho.tools.evaluate.plots import plots_of
from edgeecho.tools.evaluate.tables import GROUPS, METHOD, by_clips, by_group, summary


def to_html(report: EvaluationReport, folder: Path, created: datetime) -> str:
    """The page, with the plots that were drawn into `folder`/PRECISION.

    Its Content-Security-Policy allows only its own style, by its hash, and pictures in `data:`
    URIs: it makes no network requests.
    """
    evaluation = report.evaluation
    style = read_asset("page.css") + _own("page.css")
    return Template(_own("page.html")).substitute(
        policy=f"default-src 'none'; img-src data:; style-src {policy_hash(style)}; "
        "base-uri 'none'; form-action 'none'",
        style=style,
        research_use=RESEARCH_USE,
        data=escape(evaluation.data),
        count=f"{len(evaluation.videos)} videos, {escape(evaluation.split)}",
        created=created.strftime("%Y-%m-%d %H:%M %Z").strip(),
        method=METHOD,
        summary=_summary(report),
        clips=_clips(report),
        groups=_groups(report),
        masks="\n".join(_masks(report)),
        plots="\n".join(_plots(folder, modes[0]) for modes in report.models),
        provenance=_provenance(report),
    )


def _own(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _summary(report: EvaluationReport) -> str:
    precisions = [modes[0].run.model.precision for modes in report.models]
    return table(["", *precisions], ([name, *cells] for name, cells in summary(report)))


def _clips(report: EvaluationReport) -> str:
    if len(report.models[0]) == 1:
        return ""
    about = (
        '<p class="soft">A coarser mode is computed from the clips of the finest one, its time '
        "from the engine's time per clip; the engine ran again where a clip was not among them, "
        "and for the time of some videos where clips had been answered together: then the time "
        "is theirs.</p>"
    )
    return card("clips", "Accuracy against clips", about + table(*by_clips(report)))


def _groups(report: EvaluationReport) -> str:
    about = f'<p class="soft">{GROUPS}</p>'
    return card("groups", "Groups of videos", about + table(*by_group(report)))


def _masks(report: EvaluationReport) -> Iterator[str]:
    for found in mask_tables(report):
        notes = "".join(f'<p class="soft">{escape(note)}</p>' for note in found.notes)
        rows = table(found.heading, found.rows) if found.rows else ""
        yield card(found.name, found.title, f'<p class="soft">{found.about}</p>{rows}{notes}')


def _plots(folder: Path, found: Assessed) -> str:
    precision = found.run.model.precision
    images = "".join(
        f'<img alt="{escape(title)}, {escape(precision)}" '
        f'src="{_data_uri(folder / precision / f"{name}.png")}">'
        for name, title in plots_of(found).items()
    )
    name = escape(precision)
    return card(f"plots-{name}", f"Plots, {name}", f'<div class="plots">{images}</div>')


def _data_uri(picture: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"


def _provenance(report: EvaluationReport) -> str:
    evaluation = report.evaluation
    facts = [
        ("edgeecho", escape(VERSION)),
        ("FileList.csv, SHA-256", f"<code>{evaluation.file_list_sha256}</code>"),
    ]
    for modes in report.models:
        model, engine = modes[0].run.model, modes[0].run.engine
        threads = f", threads: {engine.threads}" if engine.threads else ""
        facts += [
            (
                f"Model, {escape(model.precision)}",
                escape(f"{model.name} {model.version}, SHA-256 ") + f"<code>{model.sha256}</code>",
            ),
            (
                f"Engine, {escape(model.precision)}",
                escape(f"{engine.name} {engine.version}, {engine.precision}{threads}; on ")
                + f"<bdi>{escape(engine.device)}</bdi>",
            ),
        ]
    trained_on = evaluation.runs[0][0].model.trained_on
    return fact_list([*facts, ("Trained on", escape(trained_on) or "not known")])
