"""How clean videos and those of an implausible time or picture measure; no network is needed.

    python benchmarks/plausible.py CLEAN --faults DATA --table reported --out plausible.md

CLEAN are phantoms to which the learned thresholds are fitted as `calibrate trust` does, each fifth
judged by the others, and whose refusals are counted by band of EF. The faults are made of DATA.
For each signal the page has the percentiles of the clean ones, and of each fault the share that
lies beyond all of them; then what each gate refuses.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from pathlib import Path

import numpy as np
from fault_videos import Make, Video
from faults import _write
from wrong_videos import DEVELOPMENT, REPORTED, UNSEEABLE

from edgeecho.cine import read_cine
from edgeecho.common.console import progress_bar
from edgeecho.common.errors import InputError
from edgeecho.common.files import write_text
from edgeecho.dataset import LabelledVideo, read_dataset
from edgeecho.preprocess import PreprocessSpec, VideoFacts, prepare
from edgeecho.trust import Signals, measure, refuse
from edgeecho.trust.learned_gates import LEARNED, SPACES, LearnedGate, Spaces
from edgeecho_calibration.kinds import kinds_of
from edgeecho_calibration.trust_budget import threshold
from edgeecho_calibration.trust_fit import fit_space

TABLES = {"development": DEVELOPMENT, "reported": REPORTED | UNSEEABLE}
MODEL_FREE = [
    gate for gate in LEARNED if gate.name in ("backwards", "squeezed/least", "squeezed/most")
]
BANDS = (0, 30, 40, 50, 60, 101)
SPEC = PreprocessSpec((32, 32, 32), (48, 48, 48), training_fps=50.0, time="resample(50)")
_FOLDS = 5


@dataclass(frozen=True)
class Seen:
    """A video's true EF in % and its measurements."""

    ef: float
    signals: Signals | None
    """None: the file cannot be used."""


def _of(part: str, name: str) -> Callable[[Signals], float | None]:
    return lambda s: getattr(getattr(s, part), name, None)


SIGNALS: Mapping[str, Callable[[Signals], float | None]] = {
    **{name: attrgetter(name) for name in
       ("moves", "heart_rate_bpm", "repeated", "flicker", "bright_changes")},
    **{name: _of("time", name) for name in ("disorder", "turn", "comb", "jump")},
    **{name: _of("shape", name) for name in ("lopsided", "aspect", "half_angle")},
}  # fmt: skip


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clean", type=Path)
    parser.add_argument("--faults", type=Path, required=True)
    parser.add_argument("--table", choices=TABLES, default="development")
    parser.add_argument("--n", type=int, default=100, help="videos a fault")
    parser.add_argument("--only", nargs="*", help="parts of names of faults")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    table = TABLES[given.table]
    some = {k: v for k, v in table.items() if not given.only or any(w in k for w in given.only)}
    clean_videos, videos = read_dataset(given.clean), read_dataset(given.faults)[: given.n]
    with progress_bar() as progress, tempfile.TemporaryDirectory() as folder:
        total = len(clean_videos) + len(videos) * len(some)
        task = progress.add_task("videos", total=total)
        clean = []
        for video in clean_videos:
            clean.append(Seen(video.ef, _look(video.path)))
            progress.advance(task)
        faults: dict[str, list[Seen]] = {name: [] for name in some}
        for video in videos:
            for name, made in _made(video, some, Path(folder) / "fault.avi"):
                faults[name].append(made)
                progress.advance(task)
    lines = [*_percentiles(clean, faults), "", *_refused(clean, faults)]
    write_text(given.out, "\n".join(lines) + "\n")
    print("\n".join(lines))


def _look(path: Path) -> Signals | None:
    cine = read_cine(path)
    try:
        prepared = prepare(cine, SPEC)
    except InputError:
        return None
    return measure(cine, prepared, VideoFacts.of(cine, prepared, SPEC), SPEC)


def _made(
    video: LabelledVideo, table: Mapping[str, Make], path: Path
) -> Iterator[tuple[str, Seen]]:
    cine = read_cine(video.path)
    for name, make in table.items():
        rng = np.random.default_rng(list(f"0 {video.name} {name}".encode()))
        made = make(Video(cine.frames, cine.fps or 50.0, None), rng)
        if made is not None:
            _write(path, made)
            yield name, Seen(video.ef, _look(path))


def _percentiles(clean: Sequence[Seen], faults: Mapping[str, Sequence[Seen]]) -> list[str]:
    lines = ["| signal | clean 0.2 % | 1 % | 50 % | 99 % | 99.8 % | beyond all clean ones |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name, signal in SIGNALS.items():
        values = _known(signal, clean)
        cells = [f"{p:.3g}" for p in np.percentile(values, [0.2, 1, 50, 99, 99.8])]
        beyond = []
        for fault, some in faults.items():
            found = np.array(_known(signal, some))
            share = np.sum((found < min(values)) | (found > max(values))) / len(some)
            if share >= 0.2:
                beyond.append(f"{fault} {share:.0%}")
        lines.append(f"| {name} | {' | '.join(cells)} | {', '.join(beyond)} |")
    return lines


def _known(signal: Callable[[Signals], float | None], some: Sequence[Seen]) -> list[float]:
    found = (signal(one.signals) for one in some if one.signals is not None)
    return [value for value in found if value is not None]


def _refused(clean: Sequence[Seen], faults: Mapping[str, Sequence[Seen]]) -> list[str]:
    gates: list[tuple[float, list[str]]] = [(0.0, [])] * len(clean)
    for fold in range(_FOLDS):
        spaces, limits = _fit([one for i, one in enumerate(clean) if i % _FOLDS != fold])
        for place in range(fold, len(clean), _FOLDS):
            one = clean[place]
            gates[place] = one.ef, _gates(one.signals, spaces, limits)
    rows = [("clean", gates)]
    for low, high in pairwise(BANDS):
        rows.append((f"clean, EF {low} to {high}", [g for g in gates if low <= g[0] < high]))
    spaces, limits = _fit(clean)
    for fault, some in faults.items():
        rows.append((fault, [(one.ef, _gates(one.signals, spaces, limits)) for one in some]))
    lines = [f"Thresholds: {', '.join(f'{name} {v:.3f}' for name, v in limits.items())}", "",
             "| video | n | refused | by |", "|---|---|---|---|"]  # fmt: skip
    for name, found in rows:
        count = Counter(gate for _, names in found for gate in names)
        by = ", ".join(f"{gate} {n}" for gate, n in count.most_common())
        share = np.mean([bool(names) for _, names in found]) if found else 0
        lines.append(f"| {name} | {len(found)} | {share:.1%} | {by} |")
    return lines


def _fit(clean: Sequence[Seen]) -> tuple[Spaces, dict[str, float]]:
    """Spaces fitted to all; for the thresholds each fifth is measured by a fit to the others."""
    spaces = [_spaces([one for i, one in enumerate(clean) if i % _FOLDS != fold])
              for fold in range(_FOLDS)]  # fmt: skip
    limits = {}
    for gate in MODEL_FREE:
        values = []
        for place, one in enumerate(clean):
            seen = one.signals and gate.seen(one.signals, spaces[place % _FOLDS])
            if seen is not None:
                values.append(seen)
        limits[gate.name] = threshold(gate, values, 0.0)
    return _spaces(clean), limits


def _spaces(clean: Sequence[Seen]) -> Spaces:
    """Of each kind of videos one, as `calibrate trust` fits them."""
    seen = [one.signals for one in clean if one.signals is not None and one.signals.time]
    kinds = kinds_of(np.array([s.texture for s in seen], np.float64))
    arrows = np.array([SPACES["arrow"](s) for s in seen], np.float64)
    return {"arrow": tuple(fit_space(arrows[kinds == kind], "arrow") for kind in np.unique(kinds))}


def _gates(signals: Signals | None, spaces: Spaces, limits: Mapping[str, float]) -> list[str]:
    def fires(gate: LearnedGate) -> bool:
        return gate.check(signals, spaces, limits[gate.name]) is not None

    if signals is None:
        return ["file cannot be used"]
    learned = [gate.name.partition("/")[0] for gate in MODEL_FREE if fires(gate)]
    return list(dict.fromkeys([*(r.gate for r in refuse(signals, None)), *learned]))


if __name__ == "__main__":
    main()
