from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgeecho_train.phantom.cardiac_cycle import end_frames, volume_curve
from edgeecho_train.phantom.geometry import at_volume, tracing
from edgeecho_train.phantom.overlay import picture_times
from edgeecho_train.phantom.population import Phantom, PhantomRecipe, draw_phantom

pytestmark = pytest.mark.slow

COUNT = 400


def _draw(recipe: PhantomRecipe) -> list[Phantom]:
    return [draw_phantom(recipe, index)[0] for index in range(COUNT)]


def test_uniform_population():
    phantoms = _draw(PhantomRecipe(seed=1))
    ef = np.array([p.ef for p in phantoms])
    assert ef.min() >= 10
    assert ef.max() <= 80
    assert np.histogram(ef, 7, (10, 80))[0].min() > COUNT / 7 * 0.6
    fps = np.array([p.fps for p in phantoms])
    assert np.histogram(fps, 5, (25, 80))[0].min() > COUNT / 5 * 0.6
    frames = np.array([p.frames for p in phantoms])
    assert frames.mean() == pytest.approx(175, abs=10)
    shares = [sum(p.split == name for p in phantoms) / COUNT for name in ("TRAIN", "VAL", "TEST")]
    assert shares == pytest.approx([0.75, 0.125, 0.125], abs=0.06)
    assert 0.04 < sum(p.kick == 0 for p in phantoms) / COUNT < 0.18


def test_echonet_population():
    phantoms = _draw(PhantomRecipe(seed=3, distribution="echonet"))
    ef = np.array([p.ef for p in phantoms])
    assert ef.mean() == pytest.approx(55.7, abs=2)
    assert ef.std() == pytest.approx(12.5, abs=1.5)
    fps = np.array([p.fps for p in phantoms])
    assert fps.mean() == pytest.approx(50.9, abs=1.5)
    assert fps.std() == pytest.approx(6.8, abs=1)


@pytest.mark.parametrize("frames", [24, 40, 96])
def test_a_fixed_length_still_holds_a_beat_at_a_normal_frame_rate(frames):
    for phantom in _draw(PhantomRecipe(seed=4, frames=frames)):
        assert phantom.frames == frames
        assert 25 <= phantom.fps <= 80
        assert (frames - 1) / phantom.fps >= min(phantom.rr_s)
        assert min(phantom.rr_s) >= 0.4


@pytest.mark.parametrize("frames", [None, 24, 48])
def test_every_clip_shows_both_ends_of_a_beat_whatever_is_repeated(frames):
    for phantom in _draw(PhantomRecipe(seed=9, frames=frames)):
        times = picture_times(phantom.frames, phantom.fps, phantom.export.repeat_every)
        curve = volume_curve(phantom.rr_s, phantom.ef / 100, phantom.kick)
        end_frames(curve.volume(phantom.start_s + times), phantom.ef / 100)


def test_every_nuisance_is_met():
    phantoms = _draw(PhantomRecipe(seed=10))

    def share(of: Callable[[Phantom], object]) -> float:
        return sum(bool(of(phantom)) for phantom in phantoms) / COUNT

    assert share(lambda p: p.heart.defect) == pytest.approx(0.3, abs=0.07)
    assert share(lambda p: p.export.repeat_every) == pytest.approx(0.15, abs=0.06)
    assert share(lambda p: p.export.overlay) == pytest.approx(0.25, abs=0.07)
    overlays = [p.export.overlay for p in phantoms if p.export.overlay]
    assert any(o.ecg for o in overlays)
    assert any(o.labels for o in overlays)
    assert any(o.ticks for o in overlays)
    # A premature beat: the next comes late.
    early = [min(np.array(p.rr_s[1:]) / p.rr_s[:-1]) < 0.75 for p in phantoms if p.kick]
    assert 0.02 < np.mean(early) < 0.2
    # Pixels per centimetre: zoom and depth together.
    scale = np.array([1 / p.view.cm_per_pixel for p in phantoms])
    assert np.percentile(scale, 95) / np.percentile(scale, 5) > 1.4


@pytest.mark.slow
def test_the_ventricle_stays_in_sector_and_picture():
    for phantom in _draw(PhantomRecipe(seed=11)):
        relaxed = at_volume(phantom.heart, 1.0)
        points = tracing(phantom.heart, relaxed)
        x, z = np.moveaxis(phantom.view.to_probe(points, relaxed, 0.0), -1, 0)
        assert np.abs(np.arctan2(x, z)).max() < phantom.view.half_angle
        assert np.hypot(x, z).max() < phantom.view.depth_cm
        pixels = phantom.view.to_pixels(points, relaxed, 0.0)
        assert pixels.min() > 0
        assert pixels.max() < phantom.view.size - 1


def test_one_split_changes_nothing_else():
    mixed, _ = draw_phantom(PhantomRecipe(seed=6), 3)
    alone, _ = draw_phantom(PhantomRecipe(seed=6, split="TEST"), 3)
    assert alone.split == "TEST"
    assert (alone.ef, alone.heart, alone.view) == (mixed.ef, mixed.heart, mixed.view)
