"""The card's tables of groups of videos: an average hides where a model is weak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeecho.bundle.manifest import Manifest

_HEAD = (
    "| videos | n | refused | MAE | bias | off by more than 10 | interval's width | truth inside |",
    "|---|---|---|---|---|---|---|---|",
)


def groups_section(manifest: Manifest) -> str:
    """The first evaluation of each data set that has groups; empty if none has."""
    firsts: dict[str, Mapping[str, Any]] = {}
    for entry in manifest.evaluation:
        if entry.get("groups"):
            firsts.setdefault(entry["data"], entry)
    return "".join(_table(entry) for entry in firsts.values())


def _table(entry: Mapping[str, Any]) -> str:
    title = (
        f"{entry['split']} videos of: {entry['data']}, {entry['clips']}, {entry['precision']}, in "
        "groups (refused ones count in MAE and bias only):"
    )
    rows = [
        f"| {group['name']} | {group['n']} | {group['refused']} | {group['mae']:.2f} | "
        f"{group['bias']:+.2f} | {group['far']} | {_interval(group)} |"
        for group in entry["groups"]
    ]
    return "\n\n" + title + "\n\n" + "\n".join([*_HEAD, *rows])


def _interval(group: Mapping[str, Any]) -> str:
    found = group["coverage"]
    if found is None:
        return "|"
    return f"{group['width']:.1f} | {found['inside']} of {found['n']}"
