from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeecho_train.phantom.geometry import (
    Defect,
    Heart,
    Wave,
    at_volume,
    cavity_volume_ml,
    profile,
    tracing,
    wall_volume_ml,
)
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom

pytestmark = pytest.mark.slow

defects = st.builds(
    Defect,
    side=st.integers(0, 1),
    centre=st.floats(0.3, 0.7),
    half_length=st.floats(0.2, 0.3),
    loss=st.floats(0.3, 1.0),
)
hearts = st.builds(
    Heart,
    length_cm=st.floats(6.6, 9.8),
    diameter_cm=st.floats(4.2, 6.8),
    wall_cm=st.floats(0.8, 1.1),
    shortening=st.floats(0.14, 0.20),
    wobble=st.lists(
        st.builds(
            Wave, st.floats(-0.06, 0.06), st.integers(1, 5), st.floats(0, 6.3), st.floats(0, 6.3)
        ),
        max_size=3,
    ).map(tuple),
    atrium=st.just(1.0),
    right_heart=st.just(1.0),
    defect=st.none() | defects,
)
volumes = st.floats(0.2, 1.0)


def test_textbook_heart_holds_122_ml():
    heart = Heart(9.0, 4.8, 0.9, 0.17, (), 1.0, 1.0)
    assert cavity_volume_ml(heart) == pytest.approx(122.1, abs=0.1)
    # V = pi b^2 a (2/3 + f - f^3/3)
    closed_form = math.pi * 2.4**2 * 6 * (2 / 3 + 0.5 - 0.125 / 3)
    assert cavity_volume_ml(heart) == pytest.approx(closed_form, rel=1e-4)


def test_normal_emptying_moves_as_in_healthy_hearts():
    heart = Heart(9.0, 4.8, 0.9, 0.17, (), 1.0, 1.0)
    systole = at_volume(heart, 0.45)
    assert (9.0 - systole.length) * 10 == pytest.approx(11, abs=1)  # MAPSE, mm
    assert 1 - systole.radius / 2.4 == pytest.approx(0.28, abs=0.01)  # fractional shortening


@given(hearts, volumes)
def test_disc_volume_of_the_tracing_is_the_volume(heart, volume):
    ventricle = at_volume(heart, volume)
    lines = tracing(heart, ventricle)
    widths = np.linalg.norm(lines[1:, 1] - lines[1:, 0], axis=-1)
    simpson = math.pi / 4 * np.sum(widths**2) * ventricle.length / 20
    assert simpson == pytest.approx(cavity_volume_ml(heart, volume), rel=0.01)


@given(hearts, volumes)
def test_wall_volume_is_conserved(heart, volume):
    ventricle = at_volume(heart, volume)
    # Independently of the closed form: discs of the epicardial ellipsoid down to the annulus.
    semi_axis = ventricle.semi_axis + ventricle.apical_wall
    edges = np.linspace(-ventricle.apical_wall, ventricle.length, 20_001)
    w = (edges[1:] + edges[:-1]) / 2
    across = ventricle.outer_radius**2 * (1 - ((w - ventricle.semi_axis) / semi_axis) ** 2)
    outer = math.pi * np.sum(across) * (edges[1] - edges[0])
    assert outer - cavity_volume_ml(heart, volume) == pytest.approx(wall_volume_ml(heart), rel=1e-4)


@pytest.mark.parametrize("side", [0, 1])
def test_an_akinetic_stretch_stays_and_the_rest_moves_more(side):
    sound = Heart(9.0, 4.8, 0.9, 0.17, (), 1.0, 1.0)
    ill = replace(sound, defect=Defect(side, 0.5, 0.25, 1.0))

    def half_widths(heart: Heart, volume: float) -> np.ndarray:
        return np.abs(tracing(heart, at_volume(heart, volume))[1:, :, 0])

    assert half_widths(ill, 1.0) == pytest.approx(half_widths(sound, 1.0))
    moved = half_widths(ill, 1.0) - half_widths(ill, 0.45)
    normal = half_widths(sound, 1.0) - half_widths(sound, 0.45)
    middle = slice(9, 11)
    assert (moved[middle, side] < 0.4 * normal[middle, side]).all()
    assert (moved[:, 1 - side] > normal[:, 1 - side]).all()
    assert (moved[[0, -1], side] > normal[[0, -1], side]).all()


def test_cavities_stay_inside_their_walls():
    for index in range(200):
        phantom, _ = draw_phantom(PhantomRecipe(seed=5), index)
        for volume in (1.0, 1 - phantom.ef / 100):
            ventricle = at_volume(phantom.heart, volume)
            lines = tracing(phantom.heart, ventricle)[1:]
            z = (lines[:, 0, 1] - ventricle.semi_axis) / (
                ventricle.semi_axis + ventricle.apical_wall
            )
            outer = ventricle.outer_radius * np.sqrt(1 - z**2)
            thickness = outer[:, None] - np.abs(lines[:, :, 0])
            assert thickness.min() > 0.35, f"phantom {index} at volume {volume}"


def test_profile_runs_from_the_apex_to_the_annulus():
    assert profile(0.0) == 0
    assert profile(1.0) == pytest.approx(math.sqrt(0.75))
    assert profile(2 / 3) == pytest.approx(1)
