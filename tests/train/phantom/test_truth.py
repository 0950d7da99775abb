from __future__ import annotations

import numpy as np
import pytest

from edgeecho_train.phantom.cardiac_cycle import end_frames, volume_curve
from edgeecho_train.phantom.geometry import at_volume, tracing
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.render import render
from edgeecho_train.phantom.truth import course, end_times, masks

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


def test_the_rendered_tracings_are_those_of_the_course() -> None:
    phantom, rng = draw_phantom(RECIPE, 1)
    video = render(phantom, rng)
    assert (video.diastole.frame, video.systole.frame) == end_frames(
        course(phantom).volumes, phantom.ef / 100
    )


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
