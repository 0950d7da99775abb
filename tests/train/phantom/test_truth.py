from __future__ import annotations

import numpy as np
import pytest

from edgeecho.dataset.tracings import Tracing as Outline
from edgeecho_train.phantom.cardiac_cycle import end_frames, volume_curve
from edgeecho_train.phantom.geometry import at_volume, tracing
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.truth import course, end_times, masks, tracings

RECIPE = PhantomRecipe(seed=17, frames=60)


@pytest.mark.parametrize("index", range(4))
def test_a_mask_fills_the_contour_of_its_frame(index: int) -> None:
    phantom, _ = draw_phantom(RECIPE, index)
    shown = course(phantom)
    filled = masks(phantom)
    assert filled.shape == (60, 112, 112)
    for frame in (0, 23, 59):
        ventricle = at_volume(phantom.heart, float(shown.volumes[frame]))
        lines = tracing(phantom.heart, ventricle)
        # 20 discs by the midpoint rule, in pixels.
        height = ventricle.length / 20
        area = np.sum(lines[1:, 1, 0] - lines[1:, 0, 0]) * height / phantom.view.cm_per_pixel**2
        assert filled[frame].sum() == pytest.approx(area, rel=0.01)
        # The ends of each short axis: a pixel further in is filled, a pixel further out is not.
        time = float(shown.times_s[frame])
        left, right = np.moveaxis(phantom.view.to_pixels(lines[2:-1], ventricle, time), 1, 0)
        inwards = (right - left) / np.linalg.norm(right - left, axis=1, keepdims=True)
        for points, inside in (
            (left + inwards, True),
            (right - inwards, True),
            (left - 1.5 * inwards, False),
            (right + 1.5 * inwards, False),
        ):
            x, y = np.round(points).astype(int).T
            assert np.all(filled[frame, y, x] == inside)


def test_repeated_pictures_have_the_same_mask() -> None:
    phantom, _ = next(
        drawn
        for drawn in (draw_phantom(RECIPE, index) for index in range(40))
        if drawn[0].export.repeat_every
    )
    still = np.diff(course(phantom).times_s) == 0
    filled = masks(phantom)
    assert still.any()
    assert all(np.array_equal(filled[i], filled[i + 1]) for i in np.flatnonzero(still))


@pytest.mark.parametrize("index", range(6))
def test_traced_are_both_ends_of_a_beat_and_others_of_the_whole_video(index: int) -> None:
    phantom, _ = draw_phantom(RECIPE, index)
    both = tracings(phantom, 2, np.random.default_rng(5))
    ends = end_frames(course(phantom).volumes, phantom.ef / 100)
    assert tuple(tracing.frame for tracing in both) == ends
    more = tracings(phantom, 9, np.random.default_rng(5))
    frames = [tracing.frame for tracing in more]
    assert tuple(frames[:2]) == ends
    assert len(set(frames)) == 9
    # Any frame may be among the others, and fewer are the first of more.
    assert min(frames[2:]) < phantom.frames / 2 < max(frames[2:]) < phantom.frames
    assert [t.frame for t in tracings(phantom, 5, np.random.default_rng(5))] == frames[:5]
    every = tracings(phantom, 1000, np.random.default_rng(5))
    assert sorted(t.frame for t in every) == list(range(phantom.frames))


def test_a_tracing_is_the_outline_of_the_mask_of_its_frame() -> None:
    phantom, _ = draw_phantom(RECIPE, 1)
    true = masks(phantom)
    for traced in tracings(phantom, 12, np.random.default_rng(5)):
        points = np.concatenate([traced.lines_px[1:, 0], traced.lines_px[:0:-1, 1]])
        filled = Outline(traced.frame, points).mask(*true.shape[1:])
        both = (filled & true[traced.frame]).sum()
        assert 2 * both / (filled.sum() + true[traced.frame].sum()) > 0.95


@pytest.mark.parametrize("index", range(6))
def test_volumes_leave_their_plateaus_at_the_end_times(index: int) -> None:
    phantom, _ = draw_phantom(RECIPE, index)
    curve = volume_curve(phantom.rr_s, phantom.ef / 100, phantom.kick)
    ends = phantom.start_s + end_times(phantom)
    assert ends.shape == (len(phantom.rr_s), 2)
    assert np.all(ends[:, 0] < ends[:, 1])
    least = 1 - phantom.ef / 100
    assert curve.volume(ends - 1e-3) == pytest.approx(np.tile([1, least], (len(ends), 1)), abs=1e-9)
    later = curve.volume(ends + 1e-3)
    assert np.all(later[:, 0] < 1)
    assert np.all(later[:, 1] > least)
