"""Results for spreadsheets: one row per file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.text import cell
from edgeecho.results import Failure, Numbers, Outcome

CSV_COLUMNS = (
    "FileName", "EF", "Clips", "SD", "Min", "Max", "Frames", "FPS", "Warnings", "Error",
    "Model", "ModelVersion", "Precision", "ModelSHA256", "Engine", "Note",
    "Number", "FileSHA256", "HeartRate", "BeatsPerClip", "Sector", "Time", "Damage",
    "Status", "IntervalLow", "IntervalHigh", "Level", "PAtMost40", "PBelow50", "Refusals",
    "PassedOver", "Domain",
)  # fmt: skip
"""New columns are added at the end, so that earlier ones keep their places."""
_DIGITS = {"Level": "g", "PAtMost40": ".3f", "PBelow50": ".3f"}
"""How a number is written; the others with two decimals."""


def to_csv(outcomes: Sequence[Outcome]) -> str:
    """CSV with a header; unknown values are empty.

    EF, SD, Min, Max, IntervalLow and IntervalHigh are in %, FPS in frames/s, HeartRate in
    beats/min; Level, PAtMost40 and PBelow50 are from 0 to 1. Status is answered, refused or error;
    Refusals has the gates and their reasons. Number is the file's place in the call, which with
    FileSHA256 distinguishes files of one name. Domain is what the interval was measured on. In
    cells that may begin with a name, invisible characters are escaped, and an apostrophe precedes
    a formula's sign.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number, outcome in enumerate(outcomes, 1):
        row = to_row(number, outcome)
        writer.writerow({name: _shown(name, value) for name, value in row.items()})
    return stream.getvalue()


def identity(number: int, outcome: Outcome) -> dict[str, object]:
    """The columns that every table of a file has: which file, which model, why refused."""
    answer = outcome.answer
    row: dict[str, object] = {
        "FileName": cell(outcome.file),
        "Number": number,
        "Status": outcome.status,
        "Note": RESEARCH_USE,
    }
    if isinstance(answer, Failure):
        return {**row, "Error": cell(answer.message)}
    return {
        **row,
        "Refusals": "; ".join(f"{r.gate}: {r.reason}" for r in answer.refusals),
        "Warnings": "; ".join(answer.warnings),
        "FileSHA256": outcome.sha256,
        "Model": cell(answer.model.name),
        "ModelVersion": cell(answer.model.version),
        "Precision": answer.model.precision,
        "ModelSHA256": answer.model.sha256,
        "Engine": f"{answer.engine.name} {answer.engine.version}",
    }


def to_row(number: int, outcome: Outcome) -> dict[str, object]:
    """A file's values by column, numbers with all their digits; unknown ones are None or absent."""
    answer, row = outcome.answer, identity(number, outcome)
    if isinstance(answer, Failure):
        return row
    video = answer.video
    # The row's Status and Refusals mark its numbers as refused.
    numbers = answer.numbers or answer.although_refused
    return {
        **row,
        **(_numbers(numbers) if numbers else {}),
        "Clips": len(answer.clip_starts),
        "Frames": video.frames,
        "FPS": video.fps,
        "HeartRate": video.heart_rate_bpm,
        "BeatsPerClip": video.beats_per_clip,
        "Sector": video.area,
        "Time": video.time,
        "Damage": "; ".join(video.damage),
        "PassedOver": "; ".join(
            cell(f"{one.name}: {one.why}") for one in answer.engine.passed_over
        ),
    }


def _numbers(numbers: Numbers) -> dict[str, object]:
    row: dict[str, object] = {
        "EF": numbers.ef,
        "SD": numbers.sd,
        "Min": min(numbers.clip_efs),
        "Max": max(numbers.clip_efs),
    }
    if interval := numbers.interval:
        row |= {
            "IntervalLow": interval.low,
            "IntervalHigh": interval.high,
            "Level": interval.level,
            "Domain": cell(interval.domain),
        }
    if p := numbers.probabilities:
        row |= {"PAtMost40": p.at_most_40, "PBelow50": p.below_50}
    return row


def _shown(name: str, value: object) -> object:
    return format(value, _DIGITS.get(name, ".2f")) if isinstance(value, float) else value
