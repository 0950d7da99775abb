"""The model card's part on masks and beats, as `edgeecho evaluate --record` measured them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edgeecho.bundle.manifest import Manifest

_PHASES = (
    "| data | split | model | frames | videos | Dice | area, % | volume, % | off, ms: median, 90 % "
    "| not detected |\n|---|---|---|---|---|---|---|---|---|---|"
)
_EFS = (
    "| data | split | model | EF of | videos | MAE | RMSE | R2 | change of the MAE against all "
    "clips | videos without |\n|---|---|---|---|---|---|---|---|---|---|"
)


def beats_section(manifest: Manifest) -> str:
    """The tables with what comes before them; empty if no evaluation measured masks."""
    measured = [entry for entry in manifest.evaluation if entry.get("masks")]
    if not measured:
        return ""
    phases = [row for entry in measured for row in _phase_rows(entry)]
    efs = [row for entry in measured for row in _ef_rows(entry)]
    parts = ["Masks in the traced frames against the tracings:", "\n".join([_PHASES, *phases])]
    return "\n\n".join(
        [
            "",
            *(parts if phases else ()),
            "EF by beats. Videos without a beat that has a clip count with the mean over all their "
            "clips; those without a traced EF are left out of it:",
            "\n".join([_EFS, *efs]),
        ]
    )


def _phase_rows(entry: Mapping[str, Any]) -> Iterator[str]:
    for phase in entry["masks"]["phases"]:
        found = (phase["ms"]["median"], phase["ms"]["p90"])
        off = ", ".join("infinite" if ms is None else f"{ms:.0f}" for ms in found)
        yield (
            f"| {_where(entry)} | {phase['name']} | {phase['videos']} | "
            f"{_interval(phase['dice'], '.3f')} | {_size(phase['area'])} | "
            f"{_size(phase['volume'])} | {off} | {phase['undetected']} |"
        )


def _ef_rows(entry: Mapping[str, Any]) -> Iterator[str]:
    for row in entry["masks"]["rows"]:
        metrics = row["metrics"]
        cells = ["0", "", "", ""]
        if metrics is not None:
            mae = _interval(row["measured"]["mae"], ".2f")
            r2 = "undefined" if metrics["r2"] is None else f"{metrics['r2']:.3f}"
            cells = [str(metrics["n"]), mae, f"{metrics['rmse']:.2f}", r2]
        change = "" if row["change"] is None else _interval(row["change"], "+.2f")
        without = sum(row["without"].values())
        yield f"| {_where(entry)} | {row['name']} | {' | '.join(cells)} | {change} | {without} |"


def _where(entry: Mapping[str, Any]) -> str:
    return (
        f"{entry['data']} | {entry['split']} | {entry['precision']} on {entry['engine']}, "
        f"{entry['clips']}"
    )


def _interval(found: Mapping[str, Any], form: str) -> str:
    low, high = format(found["low"], form), format(found["high"], form)
    return f"{found['value']:{form}} ({low} to {high})"


def _size(error: Mapping[str, Any]) -> str:
    return f"{error['bias']:+.1f}, abs. {error['mae']['value']:.1f}"
