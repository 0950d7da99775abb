"""The readable page of a run, made of its JSON alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from speed_page import table

NOT_THERE = "not there"


def to_markdown(document: Mapping[str, Any]) -> str:
    """Steps first, then what the machine has, then the numbers."""
    steps = {row["name"]: row for row in document["steps"]}
    failed = ", ".join(document["headline_failed"])
    parts = [
        f"# edgeecho's check of a GPU, {document['date']}",
        f"{document['research_use']} Network: {document['network']}; "
        f"{document['seconds']:.0f} s. "
        + (f"**Failed: {failed}.**" if failed else "No headline command failed."),
        _rows(["step", "state", "s", "why"], map(_step, document["steps"])),
    ]
    writers = {
        "machine": _machine,
        "verify on every engine": _verify,
        "against PyTorch": _peers,
        "training": _training,
    }
    for name, write in writers.items():
        if (found := steps.get(name, {}).get("found")) is not None:
            parts += [f"## {name[0].upper()}{name[1:]}", write(found)]
    parts += ["## Answers of `infer`", _rows(_ANSWERS, _answers(document["steps"]))]
    parts += ["## Times of `bench`", _rows(_TIMES, _times(document["steps"]))]
    for row in document["steps"]:
        if row["last_lines"]:
            lines = "\n".join(f"    {line}" for line in row["last_lines"])
            parts += [f"## Last lines of: {row['name']}", lines]
    return "\n\n".join(parts) + "\n"


def _rows(head: list[str], rows: Any) -> str:
    escaped = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    return table(head, escaped) if escaped else "Nothing."


def _step(row: Mapping[str, Any]) -> list[Any]:
    seconds = "" if row["seconds"] is None else f"{row['seconds']:.1f}"
    name = f"**{row['name']}**" if row["headline"] else row["name"]
    return [name, row["state"], seconds, row["why"]]


def _machine(found: Mapping[str, Any]) -> str:
    rows = []
    for name, value in found.items():
        if name == "lacks":
            continue
        rows.append([name, _words(value) or NOT_THERE])
    return _rows(["what", "found"], rows + [["fails", lack] for lack in found["lacks"]])


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items() if v is not None)
    if isinstance(value, list):
        return "; ".join(
            f"{v['name']}: {v['status']}, {v['detail']}" if isinstance(v, dict) else str(v)
            for v in value
        )
    return value or ""


def _verify(found: Mapping[str, Any]) -> str:
    rows = [
        [
            c["engine"]["name"],
            c["precision"],
            c["engine"]["precision"],
            f"{c['drift']['max']:.4f}",
            c["missed"] or "holds",
        ]
        for c in found["results"]
    ]
    return _rows(["engine", "file", "arithmetic", "largest drift, EF points", "gate"], rows)


def _peers(found: Mapping[str, Any]) -> str:
    def of(rows: Mapping[str, Any]) -> str:
        keys = ("batch_1_ms", f"batch_{found['batch']}_ms")
        lines = [
            [name, f"{median(row[keys[0]]):.2f}", f"{median(row[keys[1]]) / found['batch']:.2f}",
             f"{row['largest_difference']:.2g}"]
            for name, row in rows.items()
        ]  # fmt: skip
        per_clip = f"a clip of {found['batch']}, ms"
        return _rows(["program", "one clip, ms", per_clip, "largest difference, EF points"], lines)

    parts = [of(found["rows"])]
    if "with torch.compile" in found:
        parts += ["In turns of their own:", of(found["with torch.compile"])]
    return "\n\n".join([*parts, _rows([NOT_THERE, "why"], found["not_there"].items())])


def _training(found: Mapping[str, Any]) -> str:
    rate, busy = found["clips_per_second"], found["gpu_busy_percent"]
    rows = [
        ["clips of an epoch", found["clips"]],
        ["seconds of the epochs", ", ".join(f"{s:.1f}" for s in found["seconds"])],
        ["clips/s, second epoch", "too quick to say" if rate is None else f"{rate:.1f}"],
        ["GPU busy, by nvidia-smi", NOT_THERE if busy is None else f"{busy:.0f} %"],
    ]
    return _rows(["training", "found"], rows)


_ANSWERS = ["step", "engine", "arithmetic", "EF", "passed over"]
_CALL = ["H2D Latency", "GPU Compute Time", "D2H Latency", "Enqueue Time"]
_TIMES = ["step", "subject", "engine, median ms", "file to answer, median ms", *_CALL]


def _answers(steps: Any) -> Iterator[list[str]]:
    for row in steps:
        if row["name"].startswith("infer") and row["state"] == "ok" and row["found"]:
            engine, (result,) = row["found"]["engine"], row["found"]["results"]
            over = ", ".join(one["name"] for one in engine["passed_over"])
            ef = "refused" if result["ef"] is None else f"{result['ef']:.2f}"
            yield [row["name"], f"{engine['name']} {engine['version']}", engine["precision"], ef,
                   over]  # fmt: skip


def _times(steps: Any) -> Iterator[list[str]]:
    for row in steps:
        if not row["name"].startswith(("bench", "study")) or not row["found"]:
            continue
        for series in row["found"]["run"]["series"]:
            samples = series["samples_ms"]
            parts = series["device"]["samples_ms"] if series["device"] else {}
            yield [
                row["name"],
                series["label"],
                *(f"{median(samples[key]):.1f}" for key in ("engine", "total")),
                *(f"{median(parts[key]):.3f}" if key in parts else "" for key in _CALL),
            ]
