"""Results for spreadsheets: one row a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from edgeecho import RESEARCH_USE
from edgeecho.plain import cell
from edgeecho.report.outcome import Failure, Outcome

CSV_COLUMNS = (
    "FileName", "EF", "Clips", "SD", "Min", "Max", "Frames", "FPS", "Warnings", "Error",
    "Model", "ModelVersion", "Precision", "ModelSHA256", "Engine", "Note",
    "Number", "FileSHA256", "HeartRate", "BeatsPerClip", "Sector", "Time", "Damage",
)  # fmt: skip
"""New columns come last, so that those of older versions keep their places."""


def to_csv(outcomes: Sequence[Outcome]) -> str:
    """CSV with a header, empty where nothing is known.

    EF, SD, Min and Max in %, FPS in frames/s, HeartRate in beats/min. Number is the file's place
    in the call, which with FileSHA256 tells files of one name apart. In cells that may begin with a
    name, what cannot be seen is escaped and a formula's sign stands behind an apostrophe.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(number, outcome) for number, outcome in enumerate(outcomes, 1))
    return stream.getvalue()


def _row(number: int, outcome: Outcome) -> dict[str, object]:
    answer = outcome.answer
    row: dict[str, object] = {
        "FileName": cell(outcome.file),
        "Number": number,
        "Note": RESEARCH_USE,
    }
    if isinstance(answer, Failure):
        return {**row, "Error": cell(answer.message)}
    video = answer.video
    return {
        **row,
        "FileSHA256": outcome.sha256,
        "EF": f"{answer.ef:.2f}",
        "Clips": len(answer.clip_efs),
        "SD": _number(answer.sd),
        "Min": f"{min(answer.clip_efs):.2f}",
        "Max": f"{max(answer.clip_efs):.2f}",
        "Frames": video.frames,
        "FPS": _number(video.fps),
        "HeartRate": _number(video.heart_rate_bpm),
        "BeatsPerClip": _number(video.beats_per_clip),
        "Sector": video.area,
        "Time": video.time,
        "Damage": "; ".join(video.damage),
        "Warnings": "; ".join(answer.warnings),
        "Model": cell(answer.model.name),
        "ModelVersion": cell(answer.model.version),
        "Precision": answer.model.precision,
        "ModelSHA256": answer.model.sha256,
        "Engine": f"{answer.engine.name} {answer.engine.version}",
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
