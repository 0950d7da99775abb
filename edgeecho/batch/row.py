"""A file's row in a cohort's table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from edgeecho.batch.source import Item
from edgeecho.common.about import VERSION
from edgeecho.common.errors import EngineError
from edgeecho.common.text import cell
from edgeecho.engines import EngineFacts
from edgeecho.report.structured import to_document
from edgeecho.report.table import CSV_COLUMNS, to_row
from edgeecho.results import Answer, Outcome

Row = dict[str, Any]
_MORE = (
    "Path", "ExitCode", "View", "PreprocessSHA256", "Arithmetic", "Device", "EdgeEcho",
    "DecodeMs", "PreprocessMs", "EngineMs", "MasksMs", "Result",
)  # fmt: skip
_INTEGERS = {"Number", "Clips", "Frames", "ExitCode"}
_NUMBERS = {
    "EF", "SD", "Min", "Max", "FPS", "HeartRate", "BeatsPerClip", "IntervalLow", "IntervalHigh",
    "Level", "PAtMost40", "PBelow50", "DecodeMs", "PreprocessMs", "EngineMs", "MasksMs",
}  # fmt: skip
COLUMNS: Mapping[str, type] = {
    name: int if name in _INTEGERS else float if name in _NUMBERS else str
    for name in (*CSV_COLUMNS, *_MORE)
}
"""Those of `infer --csv`, whose numbers have all their digits here, and more: Result has what
`infer --json` says of the file; Path is empty unless asked for, since folders name patients."""


def make_row(item: Item, outcome: Outcome, sha256: str | None, *, paths: bool) -> Row:
    """The row of an outcome; `sha256` of the file's content, also if it has no answer."""
    answer, name = outcome.answer, item.name
    outcome = replace(outcome, file=name)
    row: Row = {**dict.fromkeys(COLUMNS), **to_row(item.number, outcome), "EdgeEcho": VERSION}
    row |= {"FileSHA256": sha256, "Path": shown_path(item) if paths else None}
    if not isinstance(answer, Answer):
        return row | {"ExitCode": answer.exit_code}
    (result,) = to_document([outcome])["results"]
    of_file = {key: value for key, value in result.items() if key not in ("number", "file")}
    times = answer.timings_ms
    return row | {
        "View": answer.video.view,
        "PreprocessSHA256": answer.model.preprocess.sha256(),
        "Arithmetic": answer.engine.precision,
        "Device": answer.engine.device,
        "DecodeMs": times.get("decode"),
        "PreprocessMs": times.get("preprocess"),
        "EngineMs": times.get("engine"),
        "MasksMs": times.get("masks"),
        "Result": json.dumps(of_file, allow_nan=False),
    }


def row_for(row: Row, item: Item, *, paths: bool) -> Row:
    """The row of another file of the same content."""
    name, error = cell(item.name), row.get("Error")
    return row | {
        "Number": item.number,
        "FileName": name,
        "Path": shown_path(item) if paths else None,
        **({"Error": error.replace(row["FileName"], name)} if error else {}),
    }


def is_of(row: Row, item: Item, *, paths: bool) -> bool:
    """Whether a row names that file, whatever its content."""
    return row == row_for(row, item, paths=paths)


def is_final(row: Row) -> bool:
    """Whether the file need not be tried again: it was read, and the engine did not fail."""
    return row["FileSHA256"] is not None and row["ExitCode"] != EngineError.exit_code


def engine_of(row: Row) -> str | None:
    """What answered it, without the number of threads; None if nothing did."""
    if row["Engine"] is None:
        return None
    return f"{row['Engine']}, {row['Arithmetic']}, on {row['Device']}"


def engine_words(facts: EngineFacts) -> str:
    """The same of an engine that is ready."""
    return f"{facts.name} {facts.version}, {facts.precision}, on {facts.device}"


def shown_path(item: Item) -> str:
    """Bytes that are not UTF-8 become escapes; a URL loses what may be a secret."""
    path = item.path
    if item.protocol is not None:
        url = urlsplit(path)
        # A password before the host, or a signature behind the path.
        path = url._replace(netloc=url.netloc.rpartition("@")[2], query="", fragment="").geturl()
    return cell(path.encode("utf-8", "backslashreplace").decode())
