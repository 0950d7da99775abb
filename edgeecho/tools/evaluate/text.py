"""An evaluation as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.text import printable
from edgeecho.tools.evaluate.assess import EvaluationReport
from edgeecho.tools.evaluate.mask_tables import mask_tables
from edgeecho.tools.evaluate.tables import GROUPS, METHOD, by_clips, by_group, summary


def to_text(report: EvaluationReport) -> str:
    """The summary, accuracy against clips if several clip modes were requested, masks and beats."""
    evaluation = report.evaluation
    first = evaluation.runs[0][0].model
    precisions = [modes[0].run.model.precision for modes in report.models]
    lines = [
        printable(f"{len(evaluation.videos)} videos, {evaluation.split} of: {evaluation.data}"),
        printable(f"model {first.name} {first.version}"),
        METHOD,
        "",
        *_table(["", *precisions], [[name, *cells] for name, cells in summary(report)]),
    ]
    lines += ["", f"Groups of videos. {GROUPS}", *_table(*by_group(report))]
    if len(evaluation.runs[0]) > 1:
        lines += ["", "Accuracy against clips", *_table(*by_clips(report))]
    for found in mask_tables(report):
        rows = _table(found.heading, found.rows) if found.rows else []
        lines += ["", found.title, found.about, *rows, *found.notes]
    return "\n".join([*lines, "", RESEARCH_USE])


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heading, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heading))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
