"""The table of beats for spreadsheets: a row for each beat of each file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgeecho.report.beats import no_beats, row_of
from edgeecho.report.reasons import UNUSED
from edgeecho.report.table import identity
from edgeecho.results import Answer, Failure, Outcome

# Of ED and of ES each: name and digits of a value of `edgeecho.report.beats`.
_MOMENT = {
    "frame": ("Frame", 0), "file_frame": ("FileFrame", 0), "ms": ("Time", 1),
    "area_px2": ("Area", 1), "long_axis_px": ("LongAxis", 2), "discs_px3": ("VolumeDiscs", 0),
    "area_length_px3": ("VolumeAreaLength", 0), "area_cm2": ("AreaCm2", 2),
    "long_axis_cm": ("LongAxisCm", 2), "discs_ml": ("VolumeDiscsMl", 1),
    "area_length_ml": ("VolumeAreaLengthMl", 1), "components": ("Parts", 0),
    "border": ("Border", 3), "overlap": ("Overlap", 3),
}  # fmt: skip
_BEAT = {
    "rr_ms": ("RR", 0), "previous_rr_ms": ("PreviousRR", 0), "traced_ef": ("TracedEF", 2),
    "area_length_ef": ("AreaLengthEF", 2), "network_ef": ("NetworkEF", 2),
    "difference": ("Difference", 2),
}  # fmt: skip
COLUMNS = (
    "FileName", "Number", "Status", "EF", "Rule", "Beat", "Used", "Why", "Index",
    *(name for name, _ in _BEAT.values()),
    *(f"{moment}{name}" for name, _ in _MOMENT.values() for moment in ("ED", "ES")),
    "Refusals", "Warnings", "Error", "FileSHA256", "Model", "ModelVersion", "Precision",
    "ModelSHA256", "SegmentationSHA256", "Engine", "Note",
)  # fmt: skip
"""New columns are added at the end, so that earlier ones keep their places."""


def to_beats_csv(outcomes: Sequence[Outcome]) -> str:
    """CSV with a header; unknown values are empty.

    A file without a beat has one row, whose Why says the reason. EF is the file's; it and the other
    EFs are in %, RR and times in ms, lengths in pixels that the network saw or, where these are
    known, in cm and mL. Frames count from 0, at the model's frame rate and in the file. Formulas
    and names are handled as in `to_csv`.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number, outcome in enumerate(outcomes, 1):
        file = _file(number, outcome)
        writer.writerows({**file, **beat} for beat in _beats(outcome.answer))
    return stream.getvalue()


def _file(number: int, outcome: Outcome) -> dict[str, object]:
    answer, row = outcome.answer, identity(number, outcome)
    if isinstance(answer, Failure):
        return row
    numbers, masks = answer.numbers or answer.although_refused, answer.model.segmentation
    return {
        **row,
        "EF": f"{numbers.ef:.2f}" if numbers else "",
        "SegmentationSHA256": masks.sha256 if masks and answer.tracing else "",
    }


def _beats(answer: Answer | Failure) -> Iterator[dict[str, object]]:
    if isinstance(answer, Failure):
        yield {}
        return
    tracing, numbers = answer.tracing, answer.numbers or answer.although_refused
    if tracing is None:
        yield {"Why": "nothing was traced"}
        return
    found = numbers.beats.found if numbers and numbers.beats else ()
    for number, beat in enumerate(found, 1):
        values = row_of(number, beat, tracing.source)
        row: dict[str, object] = {
            "Rule": tracing.rule,
            "Beat": number,
            "Used": _yes(values["used"]),
            "Why": UNUSED[beat.unused] if beat.unused else "",
            "Index": _yes(values["index"]),
            **_cells(values, _BEAT, ""),
        }
        for moment in ("ed", "es"):
            if values[moment]:
                row |= _cells(values[moment], _MOMENT, moment.upper())
        yield row
    if not found:
        yield {"Rule": tracing.rule, "Why": no_beats(tracing) or ""}


def _cells(
    values: Mapping[str, Any], columns: Mapping[str, tuple[str, int]], before: str
) -> dict[str, object]:
    return {
        before + name: "" if values[key] is None else f"{values[key]:.{digits}f}"
        for key, (name, digits) in columns.items()
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"
