"""A check of a site's videos as text, JSON and a plot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.files import atomic_path
from edgeecho_calibration.site import SiteCheck, in_words
from edgeecho_calibration.trust_fit import BEYOND

SCHEMA = "edgeecho-site-1"


def to_text(found: SiteCheck) -> str:
    """The verdict, then a line for each gate that says anything."""
    lines = [
        found.verdict,
        f"{found.videos} videos answered from {found.clips} by {found.model}: {found.refused} "
        f"refused, so at most {found.most_refused:.1%} of such videos are (95 % confidence)",
    ]
    if found.unreadable:
        lines.append(f"files without an answer: {in_words(found.unreadable)}")
    lines.append(f"  {'gate':18} {'refused':>7}  near or beyond ({BEYOND:.0%} of its own videos)")
    for gate in found.gates:
        near = "" if gate.beyond is None else f"{gate.beyond} ({gate.beyond / found.videos:.0%})"
        lines.append(f"  {gate.gate:18} {gate.refused:7}  {near}")
    return "\n".join([*lines, RESEARCH_USE])


def to_dict(found: SiteCheck) -> dict[str, Any]:
    """Plain types for JSON; nothing in it tells of one file."""
    gates = [
        {**asdict(gate), "shares": sorted(round(share, 4) for share in gate.shares)}
        for gate in found.gates
    ]
    return {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "verdict": found.verdict,
        **asdict(found),
        "most_refused": found.most_refused,
        "shifted": list(found.shifted),
        "gates": gates,
    }


def draw(path: Path, found: SiteCheck) -> None:
    """Draw, for each learned gate, how near the videos come to its threshold, to a PNG file."""
    from matplotlib.figure import Figure

    learned = [gate for gate in found.gates if gate.shares]
    figure = Figure(figsize=(8, 0.5 * len(learned) + 1.8), layout="constrained")
    axis = figure.subplots()
    for row, gate in enumerate(learned):
        shares = [min(share, 3.0) for share in gate.shares]
        colours = ["C3" if share > 1 else "C0" for share in gate.shares]
        axis.scatter(shares, [row] * len(shares), s=14, alpha=0.5, c=colours)
    axis.axvline(1, color="black", linewidth=1)
    axis.set(
        yticks=range(len(learned)),
        yticklabels=[gate.gate for gate in learned],
        xlim=(0, 3.1),
        xlabel="share of the threshold (beyond 1: refused; 3 and more are drawn at 3)",
        title=f"{found.refused} of {found.videos} videos refused by {found.model}",
    )
    axis.invert_yaxis()
    axis.grid(axis="x", alpha=0.3)
    figure.supxlabel(RESEARCH_USE, fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
