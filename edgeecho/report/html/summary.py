"""Table of all files of a page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from string import Template

from edgeecho.report.html.assets import read_asset
from edgeecho.report.html.scale import draw_scale
from edgeecho.report.text import gate_words
from edgeecho.results import Answer, Failure, Numbers, Outcome, answers


def draw_summary(names: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    """A row per file. A refused number appears only in the file's section, beside its reasons."""
    intervals = [a.numbers.interval for a in answers(outcomes) if a.numbers]
    levels = {f"{100 * interval.level:g} % interval" for interval in intervals if interval}
    rows = "\n".join(map(_row, range(1, len(names) + 1), names, outcomes))
    spread = levels.pop() if len(levels) == 1 else "Over clips"
    return Template(read_asset("summary.html")).substitute(rows=rows, spread=spread)


def _row(number: int, name: str, outcome: Outcome) -> str:
    link = f'<th scope="row"><a href="#file-{number}"><bdi>{escape(name)}</bdi></a></th>'
    return f"<tr>{link}{_cells(outcome.answer)}</tr>"


def _cells(answer: Answer | Failure) -> str:
    if isinstance(answer, Failure):
        none = '<td class="wide"></td>'
        return f'<td class="number soft">no answer</td><td></td>{none}{none}'
    warnings = f'<td class="number wide">{len(answer.warnings) or "none"}</td>'
    if answer.numbers is None:
        why = escape(", ".join(map(gate_words, answer.refusals)))
        return f'<td class="number">refused</td><td class="why" colspan="2">{why}</td>{warnings}'
    return (
        f'<td class="number ef-cell">{answer.numbers.ef:.1f}</td>'
        f'<td class="number">{_spread(answer.numbers)}</td>'
        f'<td class="wide mini">{draw_scale(answer.numbers)}</td>{warnings}'
    )


def _spread(numbers: Numbers) -> str:
    if interval := numbers.interval:
        return f"{interval.low:.1f} to {interval.high:.1f}"
    if numbers.sd is None:
        return "1 clip"
    return f"{min(numbers.clip_efs):.1f} to {max(numbers.clip_efs):.1f}"
