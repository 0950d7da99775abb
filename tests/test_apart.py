"""The simulator that is for evaluation alone: its truth holds, and our readers take what it writes.

Only seeds that are not reserved (benchmarks/apart/SEEDS.md) may stand here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from apart import draw, render
from apart.cine import measure, plan
from apart.truth import ejection_fraction, find_beats
from apart.ventricle import discs
from apart.write import write

from edgeecho.dataset import read_dataset, read_labelled
from edgeecho.dataset.tracings import read_tracings

SEED = 2


def test_a_case_is_a_function_of_seed_and_index() -> None:
    assert draw(SEED, 3) == draw(SEED, 3) != draw(SEED, 4)
    first, second = (render(draw(SEED, 1)) for _ in range(2))
    assert (first.frames == second.frames).all()
    assert (first.masks == second.masks).all()
    assert first.ef == second.ef


@pytest.mark.parametrize("index", [0, 1, 4])
def test_masks_give_the_volumes(index: int) -> None:
    case = draw(SEED, index)
    masks, volumes, beats, chords = measure(case, plan(case))
    mm = 1 / case.screen.scale
    for frame in beats[0]:
        rows = chords[frame]
        axis = np.hypot(*(rows[0, 2:] - rows[0, :2]))
        wide = np.hypot(*(rows[1:, 2:] - rows[1:, :2]).T)
        by_chords = np.sum(np.pi / 4 * wide**2) * axis / 20 * mm**3 / 1000
        assert by_chords == pytest.approx(volumes[frame], rel=0.02)
        y, x = np.nonzero(masks[frame])
        along = (rows[0, 2:] - rows[0, :2]) / axis
        rise = (x + 0.5 - rows[0, 0]) * along[0] + (y + 0.5 - rows[0, 1]) * along[1]
        within = (rise > 0) & (rise < axis)
        area = np.bincount((rise[within] / axis * 20).astype(int), minlength=20)
        by_mask = np.sum(np.pi / 4 * (area / (axis / 20)) ** 2) * axis / 20 * mm**3 / 1000
        assert by_mask == pytest.approx(volumes[frame], rel=0.08)


def test_ejection_fractions_are_spread() -> None:
    efs = []
    for index in range(24):
        case = draw(3, index)
        run = plan(case)
        volumes = np.array([discs(contour_of(case, s))[3] for s in run.squeeze])
        beats = find_beats(np.asarray(case.rhythm.r_times), volumes, case.fps)
        assert all(volumes[ed] > volumes[es] for ed, es in beats)
        efs.append(float(np.mean(ejection_fraction(volumes, beats))))
    assert min(efs) < 25
    assert max(efs) > 60
    assert np.histogram(efs, bins=(5, 30, 50, 80))[0].min() >= 4


def contour_of(case: object, squeeze: float) -> np.ndarray:
    from apart.ventricle import contour

    return np.asarray(contour(case.anatomy, squeeze)[0])  # type: ignore[attr-defined]


def test_our_readers_take_what_it_writes(tmp_path: Path) -> None:
    write(tmp_path / "data", 1, SEED, truth=False, split="TEST")
    (video,) = read_dataset(tmp_path / "data")
    cine = read_labelled(video)
    truth = render(draw(SEED, 0))
    assert cine.frames.shape == truth.frames.shape
    assert video.ef == pytest.approx(truth.ef, abs=0.01)
    traced = read_tracings(tmp_path / "data")[video.name]
    assert sorted(one.frame for one in traced) == sorted(truth.beats[0])
