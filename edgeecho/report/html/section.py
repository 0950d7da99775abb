"""The page's section on one file."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from string import Template

from edgeecho.report.html.assets import read_asset
from edgeecho.report.html.beats import beats_section
from edgeecho.report.html.curve import Spans, draw_curve
from edgeecho.report.html.facts import answer_facts, fact_list
from edgeecho.report.html.frames import contact_sheet, player, sprite
from edgeecho.report.html.scale import draw_scale
from edgeecho.report.text import gate_words
from edgeecho.results import Answer, Failure, Numbers, Outcome, likelihood, percent
from edgeecho.results.pictures import Pictures

# JSON and CSV have all of them.
_MOST_ROWS = 200
_NO_PICTURES = '<p class="soft">No frames: a page of so many files would be too large.</p>'


def section(number: int, name: str, outcome: Outcome) -> str:
    """The file's EF, or the reasons for its refusal, or its error."""
    answer = outcome.answer
    about = {"number": number, "name": escape(name)}
    if isinstance(answer, Failure):
        return _fill("failure.html", **about, reason=escape(answer.message))
    pictures = outcome.pictures
    middle = pictures.place if pictures else (len(answer.clip_starts) - 1) // 2
    about |= {
        "warnings": _warnings(answer.warnings),
        "sprite": sprite(pictures, number) if pictures else "",
        "player": player(pictures, number, name, answer.video.area) if pictures else _NO_PICTURES,
        "facts": fact_list(answer_facts(answer, outcome.sha256)),
        "sheet": _sheet(answer, pictures, number, middle) if pictures else "",
    }
    shown = answer.numbers or answer.although_refused
    spans = Spans.of(answer, pictures.total if pictures else answer.clip_starts[-1] + 1)
    refused = answer.numbers is None
    about["beats"] = beats_section(shown, pictures, spans, number, refused=refused) if shown else ""
    if answer.numbers is None:
        return _fill("refused.html", **about, **_reasons(answer))
    return _answered(answer, answer.numbers, spans, middle, about)


def _answered(
    answer: Answer,
    numbers: Numbers,
    spans: Spans,
    middle: int,
    about: dict[str, object],
) -> str:
    return _fill(
        "answer.html",
        **about,
        exact=repr(numbers.ef),
        ef=f"{numbers.ef:.1f}",
        trust=_trust(numbers),
        scale=draw_scale(numbers, labelled=True),
        chances=_chances(numbers),
        curve=draw_curve(numbers, spans, middle),
        rows=_clip_rows(answer, numbers, spans),
        unit=spans.unit,
    )


def _fill(template: str, **values: object) -> str:
    return Template(read_asset(template)).substitute(values)


def _reasons(answer: Answer) -> dict[str, str]:
    reasons = "".join(
        f"<li><b>{escape(gate_words(r))}</b><bdi>{escape(r.reason)}</bdi></li>"
        for r in answer.refusals
    )
    numbers = answer.although_refused
    if numbers is None:
        return {"reasons": reasons, "verdict": ", so no EF is given", "shown": ""}
    shown = _fill(
        "shown.html",
        exact=repr(numbers.ef),
        ef=f"{numbers.ef:.1f}",
        interval=_interval(numbers),
        spread=_spread(numbers),
        gates=escape(", ".join(map(gate_words, answer.refusals))),
    )
    return {"reasons": reasons, "verdict": "", "shown": shown}


def _trust(numbers: Numbers) -> str:
    """The interval, or else the spread, with an explanation."""
    if numbers.interval is None:
        rest = "" if numbers.sd is None else " It is no confidence interval."
        return f"<p>{_spread(numbers)}{rest}</p>"
    return (
        f"{_interval(numbers)}"
        f'<p class="soft small">Measured on {escape(numbers.interval.domain)}: of 100 videos like '
        f"those, about {100 * numbers.interval.level:g} have their true EF in it.</p>"
        f'<p class="soft small">{_spread(numbers)}</p>'
    )


def _interval(numbers: Numbers) -> str:
    if (interval := numbers.interval) is None:
        return ""
    return (
        f'<p class="interval">{100 * interval.level:g} % interval '
        f"<b>{interval.low:.1f} to {interval.high:.1f} %</b></p>"
    )


def _spread(numbers: Numbers) -> str:
    if numbers.sd is None:
        return "One clip, so nothing is known of how the answer varies along the video."
    low, high = min(numbers.clip_efs), max(numbers.clip_efs)
    return (
        f"Mean of {len(numbers.clip_efs)} clips, <b>{low:.1f} to {high:.1f} %</b>, "
        f"sd {numbers.sd:.1f} EF points. That is how the answer varies along the video."
    )


def _chances(numbers: Numbers) -> str:
    """The probabilities of the bands, in words and numbers."""
    p = numbers.probabilities
    if p is None:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{what}</th><td>{likelihood(value)}</td>'
        f'<td class="number"><b>{escape(percent(value))}</b></td></tr>'
        for what, value in (
            ("EF ≤ 40 %: reduced", p.at_most_40),
            ("EF &lt; 50 %: reduced or mildly reduced", p.below_50),
        )
    )
    return (
        f'<p class="band-words">By its number: <b>{numbers.band}</b>. How probable it is:</p>'
        f'<table class="chances"><thead class="unseen"><tr><th scope="col">Range</th>'
        f'<th scope="col">In words</th><th scope="col">Probability</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _warnings(warnings: Iterable[str]) -> str:
    items = "".join(f"<li><bdi>{escape(warning)}</bdi></li>" for warning in warnings)
    return f'<div class="warnings"><h3>Warnings</h3><ul>{items}</ul></div>' if items else ""


def _clip_rows(answer: Answer, numbers: Numbers, spans: Spans) -> str:
    digits = 0 if answer.clip_times_s is None else 2
    rows = [
        f'<tr><th scope="row">{i}</th><td>{begin:.{digits}f}</td><td>{end:.{digits}f}</td>'
        f"<td>{ef:.1f}</td></tr>"
        for i, ((begin, end), ef) in enumerate(zip(spans.clips, numbers.clip_efs, strict=True), 1)
    ]
    if len(rows) > _MOST_ROWS:
        rest = f"and {len(rows) - _MOST_ROWS} more, in the JSON form"
        rows[_MOST_ROWS:] = [f'<tr><td colspan="4">{rest}</td></tr>']
    return "".join(rows)


def _sheet(answer: Answer, pictures: Pictures, number: int, middle: int) -> str:
    count = len(answer.clip_starts)
    title = "The clip" if count == 1 else f"Clip {middle + 1} of {count}"
    if answer.numbers:
        title += f": EF {answer.numbers.clip_efs[middle]:.1f} %"
    return (
        f"<h3>{title}</h3>"
        f'<p class="soft">Its {len(pictures.clip)} frames as the network saw them, '
        f"numbered from 0.</p>{contact_sheet(pictures, number)}"
    )
