"""Updates of a stream, one line each, for people or for programs."""

from __future__ import annotations

import json
from typing import Any

from edgeecho.bundle.skill import doubt
from edgeecho.common.text import printable
from edgeecho.report.structured import to_document
from edgeecho.report.text import gate_words, numbers_in_words
from edgeecho.results import Answer, Outcome
from edgeecho.stream import Played


def to_json_line(outcome: Outcome, played: Played) -> str:
    """`to_json` of the update in one line, with its time under `stream`."""
    update = played.update
    value: dict[str, Any] = {
        **to_document([outcome]),
        "stream": {
            "time_s": update.time_s,
            "frames": update.frames,
            "behind_ms": 1e3 * played.behind_s,
            "answered": played.answered,
            "dropped": played.dropped,
            "end": update.end,
        },
    }
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def to_text_line(answer: Answer, played: Played) -> str:
    """Time, answer or first reason for refusal, what the model lacks, and the delay.

    Warnings in full are in the summary at the end.
    """
    if answer.numbers:
        said = numbers_in_words(answer.numbers)[0]
    else:
        first, *others = answer.refusals
        said = f"refused: {gate_words(first)}: {first.reason}"
        if others:
            said += f" (and {len(others)} more)"
    if answer.although_refused:
        said += f"; shown although refused: {numbers_in_words(answer.although_refused)[0]}"
    if doubt(answer.model.skill):
        said += "; skill not shown"
    if answer.model.assumed:
        said += "; mean and std assumed"
    return printable(
        f"{played.update.time_s:7.2f} s  {said}, {1e3 * played.behind_s:.0f} ms behind"
    )


def in_sum(played: Played, behind_s: float) -> str:
    """Summary of the updates; `behind_s`: the longest delay of one."""
    count = "1 update" if played.answered == 1 else f"{played.answered} updates"
    lines = [f"{count}, none later than {1e3 * behind_s:.0f} ms after its last frame"]
    if played.dropped:
        lines.append(f"{played.dropped} more were dropped, because the engine was behind")
    return "; ".join(lines)
