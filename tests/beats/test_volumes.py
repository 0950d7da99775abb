"""Long axis and volumes against bodies whose volume is known in closed form, and phantoms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from beating import beating, half_cut, volume
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeecho.beats import beats_of
from edgeecho.beats.volumes import Shape, base_direction, shape_of
from edgeecho_train.phantom.cardiac_cycle import end_frames
from edgeecho_train.phantom.geometry import at_volume, cavity_volume_ml
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.truth import course, masks

turns = st.floats(0, 2 * math.pi)


@pytest.mark.slow
@settings(deadline=None)
@given(turns, st.floats(25, 45), st.floats(0.4, 0.8))
def test_an_ellipsoid_has_its_volume_in_any_rotation(turn: float, a: float, slim: float) -> None:
    shape = shape_of(half_cut(a, a * slim, turn))
    assert shape.area == pytest.approx(math.pi * a * a * slim, rel=0.02)
    assert shape.long_axis == pytest.approx(2 * a, rel=0.05)
    assert shape.simpson == pytest.approx(volume(a, a * slim), rel=0.03)
    assert shape.area_length == pytest.approx(volume(a, a * slim), rel=0.07)


@pytest.mark.slow
@settings(deadline=None)
@given(turns, st.floats(25, 45), st.floats(0.4, 0.75))
def test_a_flat_end_is_the_mitral_plane_in_any_rotation(turn: float, a: float, slim: float) -> None:
    shape = shape_of(half_cut(a, a * slim, turn, cut=0.5))
    assert shape.long_axis == pytest.approx(1.5 * a, rel=0.04)
    assert shape.simpson == pytest.approx(volume(a, a * slim, cut=0.5), rel=0.04)
    along = np.array([math.sin(turn), math.cos(turn)])
    middle = 111 / 2
    np.testing.assert_allclose(shape.base, middle + a / 2 * along, atol=2.5)
    np.testing.assert_allclose(shape.apex, middle - a * along, atol=2.5)


def test_a_ventricle_wider_than_long_keeps_its_mitral_plane() -> None:
    shape = shape_of(half_cut(30, 24, 0.3, cut=0.5))
    assert 2 * 24 > shape.long_axis == pytest.approx(45, rel=0.03)


@pytest.mark.parametrize("turn", [0.0, 2.0, 4.5])
def test_a_mask_that_is_flat_at_the_apex_keeps_the_axis_of_its_video(turn: float) -> None:
    plain = half_cut(40, 20, turn, cut=0.5)
    # What is left where the scanner loses the apex, and the mask has run into the atrium.
    wrong = half_cut(36, 20, turn + math.pi, cut=0.6)
    video = np.stack([wrong if frame % 3 == 0 else plain for frame in range(130)])
    towards = base_direction(video)
    assert towards is not None
    down = np.array([math.sin(turn), math.cos(turn)])
    assert np.array([math.cos(towards), math.sin(towards)]) @ down > 0.99
    assert along(shape_of(wrong), down) < -0.9
    assert along(shape_of(wrong, towards=towards), down) > 0.9
    assert shape_of(plain, towards=towards) == shape_of(plain)


def test_bad_masks_at_end_diastole_do_not_turn_the_axes_of_beats() -> None:
    seconds = np.arange(150) / 50
    masks = beating(seconds, [0.0, 0.8, 1.6, 2.4])
    plain = beats_of(masks, seconds)
    for beat in plain.used:
        # Upside down: as large, and flat at the apex.
        masks[beat.ed.frame] = masks[beat.ed.frame, ::-1]
    found = beats_of(masks, seconds)
    assert len(found.used) == len(plain.used) >= 2
    for beat in found.used:
        for moment in (beat.ed, beat.es):
            assert along(moment.shape, np.array([0.0, 1.0])) > 0.9


def along(shape: Shape, down: np.ndarray) -> float:
    axis = np.subtract(shape.base, shape.apex)
    return float(axis @ down / np.linalg.norm(axis))


def test_empty_masks_have_no_side() -> None:
    assert base_direction(np.zeros((5, 20, 20), bool)) is None
    dot = np.zeros((3, 20, 20), bool)
    dot[:, 4, 4] = True
    assert shape_of(dot[0], towards=base_direction(dot)).area == 1


def test_centimetres_and_millilitres_need_the_size_of_a_pixel() -> None:
    mask = half_cut(40, 20, cut=0.5)
    relative, known = shape_of(mask), shape_of(mask, 1.5)
    assert replace(known, spacing_mm=None) == relative
    assert relative.area_cm2 is relative.long_axis_cm is None
    assert relative.simpson_ml is relative.area_length_ml is None
    assert known.long_axis_cm == pytest.approx(relative.long_axis * 0.15)
    assert known.area_cm2 == pytest.approx(relative.area * 0.15**2)
    assert known.simpson_ml == pytest.approx(relative.simpson * 0.15**3)
    assert known.area_length_ml == pytest.approx(relative.area_length * 0.15**3)


@pytest.mark.parametrize("mask", [np.eye(1, dtype=bool), np.ones((1, 7), bool), np.eye(6) > 0])
def test_the_smallest_masks_have_a_shape(mask: np.ndarray) -> None:
    shape = shape_of(mask)
    assert shape.area == mask.sum()
    assert shape.long_axis > 0
    assert math.isfinite(shape.simpson + shape.area_length)


@pytest.mark.slow  # Draws 40 phantoms, to see hearts of every form.
def test_phantoms_have_their_true_volumes() -> None:
    errors = []
    for index in range(40):
        phantom, _ = draw_phantom(PhantomRecipe(11, frames=60), index)
        filled = masks(phantom)
        ends = end_frames(course(phantom).volumes, phantom.ef / 100)
        for frame, left in zip(ends, (1.0, 1 - phantom.ef / 100), strict=True):
            shape = shape_of(filled[frame], 10 * phantom.view.cm_per_pixel)
            assert shape.simpson_ml is not None
            assert shape.long_axis_cm is not None
            length = at_volume(phantom.heart, left).length
            errors.append(
                (
                    shape.simpson_ml / cavity_volume_ml(phantom.heart, left) - 1,
                    shape.long_axis_cm / length - 1,
                )
            )
    volumes, lengths = 100 * np.abs(np.array(errors)).T
    print("volume, %", np.percentile(volumes, (50, 95, 100)))
    print("long axis, %", np.percentile(lengths, (50, 95, 100)))
    assert np.median(volumes) < 1
    assert volumes.max() < 5
    assert np.median(lengths) < 1
    assert lengths.max() < 4
