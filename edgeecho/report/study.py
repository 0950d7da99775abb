"""Studies, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.text import printable
from edgeecho.report.structured import to_document
from edgeecho.report.text import gate_words, what_ran
from edgeecho.results import Outcome, labels
from edgeecho.study import StudyAnswer, StudyClip, StudyNumbers


def to_text(studies: Sequence[StudyAnswer], outcomes: Sequence[Outcome]) -> str:
    """A block for each study with a line for each of its clips, then model and engine."""
    names, lines = labels(outcomes), []
    for number, study in enumerate(studies, 1):
        first, *others = in_words(study)
        lines += [f"study {number}  {first}", *(f"    {line}" for line in others)]
        lines += [f"    {clip_in_words(one, names[one.clip.number - 1])}" for one in study.clips]
        lines += [f"    warning: {warning}" for warning in study.warnings]
    return "\n".join(map(printable, [*lines, *what_ran(outcomes), RESEARCH_USE]))


def to_json(studies: Sequence[StudyAnswer], outcomes: Sequence[Outcome]) -> str:
    """The document of all files, with `studies` besides; described by the same schema."""
    document = {
        **to_document(outcomes),
        "studies": [*map(_values, range(1, 1 + len(studies)), studies)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)


def join(study: StudyAnswer, documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same document of a study whose clips were answered one by one; `documents` are theirs."""
    head = next((one for one in documents if one["model"]), None) or to_document([])
    results = [{**one["results"][0], "number": n} for n, one in enumerate(documents, 1)]
    return {**head, "results": results, "studies": [_values(1, study)]}


def in_words(study: StudyAnswer) -> list[str]:
    """EF, interval and band, or why there are none, in lines."""
    if study.numbers is None:
        refused = [f"refused: {gate_words(r)}: {r.reason}" for r in study.refusals]
        return refused or ["no answer: not one of its clips could be used"]
    numbers, of = study.numbers, len(study.clips)
    made = f"mean of {len(numbers.clips)}" if study.rule == "mean" else "best"
    made = f"{made} of {of} clips" if of > 1 else "1 clip"
    if interval := numbers.interval:
        limits = f"{interval.low:.1f} to {interval.high:.1f}"
        made = f"{100 * interval.level:g} % interval {limits}; {made}"
    lines = [f"EF {numbers.ef:5.1f} %  ({made})", numbers.band]
    if interval:
        lines.append(f"the interval was measured on {interval.domain}")
    return lines


def clip_in_words(one: StudyClip, name: str) -> str:
    """What became of a clip, which is called `name`, and its own EF and interval."""
    clip, left_out = one.clip, one.left_out
    parts = [] if clip.failure else [clip.view or "no view declared"]
    if numbers := clip.numbers:
        parts.append(f"EF {numbers.ef:.1f} %")
        if interval := numbers.interval:
            parts[-1] += f" ({interval.low:.1f} to {interval.high:.1f})"
    if left_out:
        return f"left out  {name}: {', '.join(parts)}{': ' if parts else ''}{left_out}"
    return f"counts    {name}: {', '.join(parts)}"


def _values(number: int, study: StudyAnswer) -> dict[str, Any]:
    return {
        "number": number,
        "status": study.status,
        "rule": study.rule,
        **(_numbers(study.numbers) if study.numbers else {}),
        "refusals": [asdict(refusal) for refusal in study.refusals],
        "warnings": study.warnings,
        "clips": [
            {"number": one.clip.number, "view": one.clip.view, "left_out": one.left_out}
            for one in study.clips
        ],
    }


def _numbers(numbers: StudyNumbers) -> dict[str, Any]:
    return {
        "ef": numbers.ef,
        "band": numbers.band,
        "interval": asdict(numbers.interval) if numbers.interval else None,
        "made_of": numbers.clips,
    }
