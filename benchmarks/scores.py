"""Scores for "unlike what I know", side by side: how many videos of each kind lie beyond.

    python benchmarks/scores.py CLEAN --n 200 --out scores.md [--other DATA] [--checkpoint FILE]

CLEAN is a data set of the kind that the network knows. A score is the distance of a vector of each
video from those of the clean ones: Mahalanobis from one Gaussian, Mahalanobis from the nearest kind
(`kinds_of`), or that of the third nearest neighbour. The limit refuses 2 % of the clean videos,
each measured by a fit that did not see it; beside it stand the real cines' distances, as multiples
of the furthest clean video's. With --checkpoint (needs torch), the pooled features of the network's
four stages stand beside what is measured of the picture itself.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from fault_videos import Video
from numpy.typing import NDArray
from other_heart import other_heart
from pydicom.data import get_testdata_file
from wrong_videos import DEVELOPMENT

from edgeecho.bundle import open_model
from edgeecho.cine import Cine, read_cine
from edgeecho.common.errors import InputError
from edgeecho.dataset import read_dataset
from edgeecho.inference import ReadyVideo, make_ready
from edgeecho.preprocess import PreprocessSpec
from edgeecho.trust import Signals
from edgeecho_calibration.kinds import kinds_of
from edgeecho_calibration.trust_fit import fit_space

Values = NDArray[np.float64]
Distance = Callable[[Values], Values]
Describe = Callable[[ReadyVideo], dict[str, Values]]
CLEAN, REAL = "clean", "real cines"
CINES = ("examples_ybr_color.dcm", "color3d_jpeg_baseline.dcm")
_FOLDS, _NEIGHBOURS, _ALTERED = 5, 3, 20


def main() -> None:
    """Measure every video, score, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clean", type=Path)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--other", type=Path, action="append", default=[])
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    spec, describe = _describer(given.checkpoint)
    kinds: list[str] = []
    rows: list[dict[str, Values]] = []
    for kind, cine in _videos(given):
        try:
            ready = make_ready(cine, spec, None)
        except InputError:  # refused before any score
            continue
        kinds.append(kind)
        rows.append(describe(ready))
    table = _table(np.array(kinds), {name: np.stack([r[name] for r in rows]) for name in rows[0]})
    given.out.write_text("\n".join(table) + "\n", encoding="utf-8")
    print("\n".join(table))


def _videos(given: argparse.Namespace) -> Iterator[tuple[str, Cine]]:
    rng = np.random.default_rng(0)
    clean = read_dataset(given.clean)[: given.n]
    for place, video in enumerate(clean):
        cine = read_cine(video.path)
        yield CLEAN, cine
        if place < _ALTERED:
            shown = Video(cine.frames, cine.fps or 50.0, 70.0)
            for name, make in DEVELOPMENT.items():
                if "(allowed)" not in name and (made := make(shown, rng)) is not None:
                    yield name, _cine(made)
    for _ in range(_ALTERED):
        yield "another simple simulator", _cine(other_heart(rng)[0])
    for data in given.other:
        for video in read_dataset(data)[: given.n]:
            yield data.name, read_cine(video.path)
    for name in CINES:
        yield REAL, read_cine(Path(str(get_testdata_file(name, download=False))))


def _cine(video: Video) -> Cine:
    stamps = np.arange(len(video.frames)) / video.fps
    return Cine(video.frames, stamps, video.fps, "container", "avi", "MJPG")


def _describer(checkpoint: Path | None) -> tuple[PreprocessSpec, Describe]:
    def of_picture(ready: ReadyVideo) -> dict[str, Values]:
        signals: Signals = ready.signals
        names = ("statistics", "picture", "texture")
        return {name: np.asarray(getattr(signals, name), np.float64) for name in names}

    if checkpoint is None:
        return open_model().preprocess, of_picture
    from depths import Depths

    depths = Depths(checkpoint)
    return depths.spec, lambda ready: of_picture(ready) | depths.of(ready.prepared.frames)


def _table(kinds: NDArray[Any], values: Mapping[str, Values]) -> list[str]:
    others = [kind for kind in dict.fromkeys(kinds.tolist()) if kind not in (CLEAN, REAL)]
    groups = kinds_of(values["texture"][kinds == CLEAN])
    lines = [
        f"| vector | distance | {REAL}, times the furthest clean | {' | '.join(others)} |",
        "|---" * (3 + len(others)) + "|",
    ]
    for name, vectors in values.items():
        for how, fit in _DISTANCES.items():
            seen, distance = _cross_fitted(vectors[kinds == CLEAN], groups, name, fit)
            limit, furthest = np.sort(seen)[int(np.ceil(0.98 * len(seen))) - 1], seen.max()
            real = ", ".join(f"{d / furthest:.2f}" for d in distance(vectors[kinds == REAL]))
            shares = [f"{np.mean(distance(vectors[kinds == o]) > limit):.0%}" for o in others]
            lines.append(f"| {name} | {how} | {real} | {' | '.join(shares)} |")
    counts = ", ".join(f"{np.sum(kinds == kind)} {kind}" for kind in (CLEAN, *others, REAL))
    return [*lines, "", f"Videos: {counts}; kinds of clean ones: {np.bincount(groups).tolist()}."]


def _cross_fitted(
    clean: Values, groups: NDArray[np.intp], name: str, fit: Any
) -> tuple[Values, Distance]:
    seen = np.zeros(len(clean))
    fold = np.arange(len(clean)) % _FOLDS
    for k in range(_FOLDS):
        seen[fold == k] = fit(clean[fold != k], groups[fold != k], name)(clean[fold == k])
    return seen, fit(clean, groups, name)


def _one(clean: Values, _groups: NDArray[np.intp], name: str) -> Distance:
    space = fit_space(clean, name)
    return lambda values: np.array([space.distance(value) for value in values])


def _nearest_kind(clean: Values, groups: NDArray[np.intp], name: str) -> Distance:
    spaces = [_one(clean[groups == kind], groups, name) for kind in np.unique(groups)]
    return lambda values: np.min([space(values) for space in spaces], axis=0)


def _neighbours(clean: Values, _groups: NDArray[np.intp], _name: str) -> Distance:
    mean, scale = clean.mean(axis=0), clean.std(axis=0) + 1e-6
    known = (clean - mean) / scale

    def distance(values: Values) -> Values:
        apart = np.linalg.norm(((values - mean) / scale)[:, None] - known, axis=2)
        # A clean video is its own nearest only where it was fitted to.
        return np.asarray(np.sort(np.where(apart < 1e-9, np.inf, apart))[:, _NEIGHBOURS - 1])

    return distance


_DISTANCES = {
    "one Gaussian": _one,
    "nearest kind": _nearest_kind,
    "third neighbour": _neighbours,
}


if __name__ == "__main__":
    begin = time.monotonic()
    main()
    print(f"{time.monotonic() - begin:.0f} s")
