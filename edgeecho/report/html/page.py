"""The page around the files: banner, summary, provenance, and the policy that keeps it offline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from string import Template

from edgeecho import RESEARCH_USE, __version__
from edgeecho.estimation import EFEstimate
from edgeecho.report.html.assets import policy_hash, read_asset
from edgeecho.report.html.scale import draw_scale
from edgeecho.report.html.section import Facts, answered_section, fact_list, failed_section
from edgeecho.report.outcome import Failure, Outcome, labels


def to_html(outcomes: Sequence[Outcome], created: datetime) -> str:
    """One page; frames, styles and the player are inside it.

    Its Content-Security-Policy allows its own style and script, known by their hashes, and
    pictures in `data:` URIs; whatever else got into the page would not be loaded or run.
    """
    names = labels(outcomes)
    style, script = read_asset("page.css"), read_asset("player.js")
    return Template(read_asset("page.html")).substitute(
        policy=f"default-src 'none'; img-src data:; style-src {policy_hash(style)}; "
        f"script-src {policy_hash(script)}; base-uri 'none'; form-action 'none'",
        style=style,
        script=script,
        research_use=RESEARCH_USE,
        created=created.strftime("%Y-%m-%d %H:%M %Z").strip(),
        count=_count(outcomes),
        summary=_summary(names, outcomes) if len(outcomes) > 1 else "",
        sections="\n".join(map(_section, range(1, len(names) + 1), names, outcomes)),
        provenance=fact_list(_provenance(outcomes)),
    )


def _count(outcomes: Sequence[Outcome]) -> str:
    answered = sum(isinstance(o.answer, EFEstimate) for o in outcomes)
    files = "1 file" if len(outcomes) == 1 else f"{len(outcomes)} files"
    return f"{files}, {answered} answered"


def _section(number: int, name: str, outcome: Outcome) -> str:
    if isinstance(outcome.answer, Failure):
        return failed_section(number, name, outcome.answer)
    return answered_section(number, name, outcome.answer, outcome.pictures, outcome.sha256)


def _summary(names: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    rows = "\n".join(map(_row, range(1, len(names) + 1), names, outcomes))
    return Template(read_asset("summary.html")).substitute(rows=rows)


def _row(number: int, name: str, outcome: Outcome) -> str:
    answer = outcome.answer
    link = f'<th scope="row"><a href="#file-{number}"><bdi>{escape(name)}</bdi></a></th>'
    if isinstance(answer, Failure):
        none = '<td class="wide"></td>'
        return f'<tr>{link}<td class="number soft">no answer</td>{none}{none}<td></td></tr>'
    low, high = min(answer.clip_efs), max(answer.clip_efs)
    spread = "1 clip" if answer.sd is None else f"{low:.1f} to {high:.1f}"
    return (
        f'<tr>{link}<td class="number ef-cell">{answer.ef:.1f}</td>'
        f'<td class="number wide">{spread}</td><td class="wide mini">{draw_scale(answer)}</td>'
        f'<td class="number">{len(answer.warnings) or "none"}</td></tr>'
    )


def _provenance(outcomes: Sequence[Outcome]) -> Facts:
    answers = [o.answer for o in outcomes if isinstance(o.answer, EFEstimate)]
    software = [("edgeecho", escape(__version__))]
    if not answers:
        return software
    model, engine = answers[0].model, answers[0].engine
    return [
        ("Model", escape(f"{model.name} {model.version}, {model.precision}")),
        ("Engine", escape(f"{engine.name} {engine.version}, {engine.precision}")),
        ("Device", escape(f"{engine.device}, {engine.threads} threads")),
        ("Trained on", escape(model.trained_on or "not known")),
        *software,
        ("Model file, SHA-256", f"<code>{model.sha256}</code>"),
        ("Preprocessing, SHA-256", f"<code>{model.preprocess.sha256()}</code>"),
    ]
