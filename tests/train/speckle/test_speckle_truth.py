"""Labels, tracings and masks of the second world agree with each other."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from edgeecho_train.phantom.population import PhantomRecipe
from edgeecho_train.speckle.drawing import EF_RANGE, Drawn, draw
from edgeecho_train.speckle.truth import contours, course, end_frames, masks, tracings
from edgeecho_train.speckle.ventricle import contour

COUNT = 40


def _drawn(recipe: PhantomRecipe, count: int = COUNT) -> list[Drawn]:
    return [draw(recipe, index)[0] for index in range(count)]


def _simpson(lines: np.ndarray) -> float:
    """Single-plane Simpson volume in cubic pixels."""
    length = np.linalg.norm(lines[0, 1] - lines[0, 0])
    widths = np.linalg.norm(lines[1:, 1] - lines[1:, 0], axis=-1)
    return math.pi / 4 * float(np.sum(widths**2) * length) / len(widths)


def _traced(video: Drawn, count: int) -> list[tuple[int, np.ndarray]]:
    found = tracings(video, count, np.random.default_rng(0))
    return [(tracing.frame, tracing.lines_px) for tracing in found]


@pytest.mark.parametrize("frames", [24, 40, None])
def test_discs_of_the_tracings_give_the_labels(frames: int | None) -> None:
    for video in _drawn(PhantomRecipe(seed=1, frames=frames)):
        (_, diastole), (_, systole) = _traced(video, 2)
        assert 100 * (1 - _simpson(systole) / _simpson(diastole)) == pytest.approx(
            video.ef, abs=0.5
        )
        edv = _simpson(diastole) * video.view.cm_per_px**3
        assert edv == pytest.approx(video.heart.ventricle.edv_ml, rel=0.02)


def test_the_volume_is_exact_at_every_instant() -> None:
    for video in _drawn(PhantomRecipe(seed=2, frames=30), 10):
        ventricle = video.heart.ventricle
        levels = (np.arange(2000) + 0.5) / 2000
        for lost in (0.0, 0.2, 0.5, 0.75):
            outline = contour(ventricle, lost)
            width = outline.side(1, levels) - outline.side(-1, levels)
            volume = math.pi / 4 * float(np.mean(width**2)) * outline.length
            assert volume == pytest.approx(ventricle.edv_ml * (1 - lost), rel=2e-3)
            assert np.all(width > 0)
            assert np.all(outline.thickness > 0)


def test_the_long_axis_joins_apex_and_middle_of_the_annulus() -> None:
    for video in _drawn(PhantomRecipe(seed=3, frames=30), 10):
        for outline in (contour(video.heart.ventricle, lost) for lost in (0.0, 0.6)):
            assert outline.u[0] == pytest.approx(-outline.u[-1])
            assert outline.side(-1, np.zeros(1)) == pytest.approx(0)


def test_masks_are_the_area_inside_the_tracings() -> None:
    for video in _drawn(PhantomRecipe(seed=4, frames=30), 6):
        filled = masks(video)
        assert filled.shape == (30, 112, 112)
        for frame, lines in _traced(video, 5):
            outline = contours(video)[frame]
            points = np.stack([outline.u, outline.w], axis=-1)
            pixels = video.view.lines_to_pixels(points, float(course(video).times_s[frame]))
            # The polygon through the ends of the discs lacks the caps at apex and annulus.
            ends = np.concatenate([lines[1:, 0], pixels[:1], pixels[-1:], lines[:0:-1, 1]])
            polygon = np.concatenate([lines[0, :1], ends])
            # Eight times finer, because OpenCV fills the pixels on the edge too.
            fine = np.zeros((896, 896), np.uint8)
            cv2.fillPoly(fine, [np.round(polygon * 8 + 3.5).astype(np.int32)], 255)
            traced = cv2.resize(fine, (112, 112), interpolation=cv2.INTER_AREA) > 127
            both = np.sum(traced & filled[frame])
            assert 2 * both / (traced.sum() + filled[frame].sum()) > 0.97


def test_areas_are_largest_and_smallest_where_the_truth_says() -> None:
    for video in _drawn(PhantomRecipe(seed=5, frames=40), 12):
        areas = masks(video).sum(axis=(1, 2))
        diastole, systole = end_frames(course(video).emptied)
        # Pixels are whole: a plateau's areas differ by a few of them.
        assert areas[diastole] >= areas.max() - max(4, 0.01 * areas.max())
        assert areas[systole] <= areas.min() + max(4, 0.01 * areas.max())


def test_every_video_reaches_both_ends() -> None:
    for frames in (24, 48, None):
        for video in _drawn(PhantomRecipe(seed=6, frames=frames)):
            shares = course(video).emptied
            assert shares.min() == pytest.approx(0, abs=1e-9)
            assert shares.max() == pytest.approx(1, abs=1e-9)
            assert np.all((shares >= -1e-9) & (shares <= 1 + 1e-9))
            assert 25 <= video.fps <= 80


def test_the_population() -> None:
    videos = _drawn(PhantomRecipe(seed=7, frames=60), 200)
    ef = np.array([video.ef for video in videos])
    assert ef.min() >= EF_RANGE[0]
    assert ef.max() <= EF_RANGE[1]
    assert np.histogram(ef, 6, EF_RANGE)[0].min() > 200 / 6 * 0.5
    shares = [sum(v.split == name for v in videos) / 200 for name in ("TRAIN", "VAL", "TEST")]
    assert shares == pytest.approx([0.75, 0.125, 0.125], abs=0.08)
    assert 0.05 < sum(v.rhythm.atrial == 0 for v in videos) / 200 < 0.22
    assert 0.05 < sum(v.rhythm.premature > 0 for v in videos) / 200 < 0.22
    normal = _drawn(PhantomRecipe(seed=7, frames=60, distribution="echonet"), 200)
    assert np.mean([v.ef for v in normal]) == pytest.approx(55.7, abs=2.5)
