"""Results for spreadsheets: one row a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from edgeecho import RESEARCH_USE
from edgeecho.report.outcome import Failure, Outcome

CSV_COLUMNS = (
    "FileName", "EF", "Clips", "SD", "Min", "Max", "Frames", "FPS", "Warnings", "Error",
    "Model", "ModelVersion", "Precision", "ModelSHA256", "Engine", "Note",
)  # fmt: skip


def to_csv(outcomes: Sequence[Outcome]) -> str:
    """CSV with a header; EF, SD, Min and Max in %, empty where there is no answer."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(outcome) for outcome in outcomes)
    return stream.getvalue()


def _row(outcome: Outcome) -> dict[str, object]:
    answer = outcome.answer
    row: dict[str, object] = {"FileName": outcome.video, "Note": RESEARCH_USE}
    if isinstance(answer, Failure):
        return {**row, "Error": answer.message}
    return {
        **row,
        "EF": f"{answer.ef:.2f}",
        "Clips": len(answer.clip_efs),
        "SD": "" if answer.sd is None else f"{answer.sd:.2f}",
        "Min": f"{min(answer.clip_efs):.2f}",
        "Max": f"{max(answer.clip_efs):.2f}",
        "Frames": answer.frames,
        "FPS": "" if answer.fps is None else f"{answer.fps:.2f}",
        "Warnings": "; ".join(answer.warnings),
        "Model": answer.model.name,
        "ModelVersion": answer.model.version,
        "Precision": answer.model.precision,
        "ModelSHA256": answer.model.sha256,
        "Engine": f"{answer.engine.name} {answer.engine.version}",
    }
