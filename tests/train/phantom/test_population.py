from __future__ import annotations

import numpy as np
import pytest

from edgeecho_train.phantom.population import Recipe, draw_phantom

COUNT = 400


def _draw(recipe: Recipe):
    return [draw_phantom(recipe, index)[0] for index in range(COUNT)]


def test_uniform_population():
    phantoms = _draw(Recipe(seed=1))
    ef = np.array([p.ef for p in phantoms])
    assert ef.min() >= 10
    assert ef.max() <= 80
    assert np.histogram(ef, 7, (10, 80))[0].min() > COUNT / 7 * 0.6
    fps = np.array([p.fps for p in phantoms])
    assert fps.mean() == pytest.approx(50.9, abs=1.5)
    assert fps.min() >= 25
    assert fps.max() <= 80
    frames = np.array([p.frames for p in phantoms])
    assert frames.mean() == pytest.approx(175, abs=10)
    shares = [sum(p.split == name for p in phantoms) / COUNT for name in ("TRAIN", "VAL", "TEST")]
    assert shares == pytest.approx([0.75, 0.125, 0.125], abs=0.06)
    assert 0.04 < sum(p.kick == 0 for p in phantoms) / COUNT < 0.18


def test_size_rate_and_gain_say_nothing_about_ef():
    phantoms = _draw(Recipe(seed=2))
    ef = [p.ef for p in phantoms]
    for nuisance in (
        [p.heart.diameter_cm for p in phantoms],
        [p.heart.length_cm for p in phantoms],
        [p.heart.wall_cm for p in phantoms],
        [p.appearance.gain_db for p in phantoms],
        [p.rr_s[0] for p in phantoms],
        [p.view.depth_cm for p in phantoms],
    ):
        # Three standard errors of a correlation of 0.
        assert abs(np.corrcoef(ef, nuisance)[0, 1]) < 3 / COUNT**0.5


def test_echonet_population():
    ef = np.array([p.ef for p in _draw(Recipe(seed=3, distribution="echonet"))])
    assert ef.mean() == pytest.approx(55.7, abs=2)
    assert ef.std() == pytest.approx(12.5, abs=1.5)


@pytest.mark.parametrize("frames", [24, 40, 96])
def test_a_fixed_length_still_holds_a_beat_at_a_normal_frame_rate(frames):
    for phantom in _draw(Recipe(seed=4, frames=frames)):
        assert phantom.frames == frames
        assert 25 <= phantom.fps <= 80
        assert (frames - 1) / phantom.fps >= min(phantom.rr_s)
        assert min(phantom.rr_s) >= 0.4


def test_one_split_changes_nothing_else():
    mixed, _ = draw_phantom(Recipe(seed=6), 3)
    alone, _ = draw_phantom(Recipe(seed=6, split="TEST"), 3)
    assert alone.split == "TEST"
    assert (alone.ef, alone.heart, alone.view) == (mixed.ef, mixed.heart, mixed.view)
