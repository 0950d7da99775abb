"""What the width of the interval may depend on, side by side, on calibration videos.

    python benchmarks/intervals.py KEPT [--mode stride:16] [--out intervals.md]

KEPT is what `edgeecho calibrate trust --keep` wrote. Each fifth of the videos is judged by what was
fitted to the others: one width for all, and widths by each hint alone, by all of them, and by all
but one. Shown are the mean width, and how often the truth lies inside, over all videos and in the
worst of the groups: bands of the true EF, quarters of heart rate, spread and disagreement.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.files import write_text
from edgeecho.trust import Hints, refuse
from edgeecho.trust.conformal import half_width
from edgeecho.trust.difficulty import HINTS
from edgeecho_calibration.difficulty_fit import fit_difficulty, multiples
from edgeecho_calibration.trust_kept import from_dict

NAMES = ("EF", "spread of the clips", "heart rate", "disagreement")
LEVEL = 0.9
FOLDS = 5
EDGES = (30, 40, 50, 60)
Floats = NDArray[np.float64]


class Some(Hints):
    """Hints of which only some are known."""

    chosen: tuple[int, ...] = tuple(range(HINTS))

    def vector(self) -> Floats:
        values = super().vector()
        return np.where(np.isin(np.arange(HINTS), self.chosen), values, np.nan)


def only(hints: Sequence[Hints], chosen: Sequence[int]) -> list[Hints]:
    kind = type("Chosen", (Some,), {"chosen": tuple(chosen)})
    return [kind(**vars(one)) for one in hints]


def widths(hints: Sequence[Hints], residuals: Floats) -> Floats:
    """`(n,)` half widths, each fifth's from a fit to the others."""
    found, folds = np.empty(len(residuals)), np.arange(len(residuals)) % FOLDS
    for fold in range(FOLDS):
        rest = np.flatnonzero(folds != fold).tolist()
        known, errors = [hints[i] for i in rest], residuals[rest]
        half = half_width((errors / multiples(known, errors)).astype(np.float32), LEVEL)
        law = fit_difficulty(known, errors)
        for place in np.flatnonzero(folds == fold).tolist():
            found[place] = half * law.of(hints[place])
    return found


def groups(hints: Sequence[Hints], truth: Floats) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    bands = np.digitize(truth, EDGES)
    for band in range(len(EDGES) + 1):
        yield f"true EF, band {band + 1}", bands == band
    table = np.stack([one.vector() for one in hints])
    for name, values in zip(NAMES[1:], table.T[1:], strict=True):
        if np.isfinite(values).any():
            quarters = np.digitize(values, np.nanquantile(values, (0.25, 0.5, 0.75)))
            for quarter in range(4):
                yield f"{name}, quarter {quarter + 1}", (quarters == quarter) & np.isfinite(values)


def row(name: str, half: Floats, hints: Sequence[Hints], residuals: Floats, truth: Floats) -> str:
    inside = np.abs(residuals) <= half
    shares = [(inside[mask].mean(), group) for group, mask in groups(hints, truth) if mask.any()]
    worst, where = min(shares)
    spread = float(np.std([share for share, _ in shares]))
    return (
        f"| {name} | {2 * half.mean():.2f} | {inside.mean():.1%} | {worst:.1%} ({where}) | "
        f"{100 * spread:.1f} |"
    )


def compare(hints: Sequence[Hints], residuals: Floats, truth: Floats) -> str:
    everything = range(HINTS)
    choices = {
        "one width for all": [],
        **{f"{name} alone": [i] for i, name in enumerate(NAMES)},
        "all": list(everything),
        **{f"all but {name}": [k for k in everything if k != i] for i, name in enumerate(NAMES)},
    }  # fmt: skip
    lines = [
        "| width by | mean width | truth inside | least in a group | sd over groups, % |",
        "|---|---|---|---|---|",
    ]
    for name, chosen in choices.items():
        half = widths(only(hints, chosen), residuals)
        lines.append(row(name, half, hints, residuals, truth))
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kept", type=Path)
    parser.add_argument("--mode", default="stride:16")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    lines = given.kept.read_text(encoding="utf-8").splitlines()[1:]
    kept = (from_dict(json.loads(line)) for line in lines)
    # As in the fit: those that a gate without calibration refuses carry no interval.
    answers = [one for one in kept if not refuse(one.by_mode[given.mode][1], None)]
    truth = np.array([one.ef for one in answers])
    pairs = [one.by_mode[given.mode] for one in answers]
    residuals = truth - np.array([ef for ef, _ in pairs])
    text = compare([signals.hints(ef) for ef, signals in pairs], residuals, truth)
    print(f"{len(answers)} videos, {given.mode}, level {LEVEL:.0%}\n\n{text}")
    if given.out is not None:
        write_text(given.out, f"{len(answers)} videos, {given.mode}, level {LEVEL:.0%}\n\n{text}")


if __name__ == "__main__":
    main()
