"""What a network must not read the EF from says nothing about it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from leakage import r_squared
from numpy.typing import NDArray

from edgeecho_train.phantom.population import PhantomRecipe
from edgeecho_train.speckle.drawing import Drawn, draw
from edgeecho_train.speckle.motion import Instant
from edgeecho_train.speckle.rendering import Cloud, render
from edgeecho_train.speckle.tissue import scatterers
from edgeecho_train.speckle.ventricle import contour

pytestmark = pytest.mark.slow

Floats = NDArray[np.float64]

DRAWN = 3000
RENDERED = 48
LABEL = ("ef", "name", "split")


def numbers(value: object) -> list[float]:
    """All numbers in nested dataclasses and tuples; of lists of varying length, how long they are
    and their sum."""
    if is_dataclass(value):
        named = [getattr(value, field.name) for field in fields(value) if field.name not in LABEL]
        return [number for part in named for number in numbers(part)]
    if isinstance(value, tuple):
        flat = [number for part in value for number in numbers(part)]
        return [len(flat), sum(flat)]
    return [float(value)]  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=["uniform", "echonet"])
def drawn(request: pytest.FixtureRequest) -> tuple[Floats, Floats]:
    """Nuisances (n, k) and EF (n,)."""
    recipe = PhantomRecipe(seed=12, distribution=request.param)
    videos = [draw(recipe, index)[0] for index in range(DRAWN)]
    return np.array([numbers(video) for video in videos]), np.array([video.ef for video in videos])


def test_a_linear_model_on_the_nuisances_is_no_better_than_the_mean(drawn) -> None:
    features, ef = drawn
    assert features.shape[1] > 50
    # By chance alone about -k / n, give or take sqrt(2 k) / n.
    assert r_squared(features, ef) < 0.005


def test_the_same_model_finds_a_faint_dependence(drawn) -> None:
    features, ef = drawn
    planted = features.copy()
    planted[:, 0] += 0.15 * features[:, 0].std() * (ef - ef.mean()) / ef.std()
    assert r_squared(planted, ef) > 0.005


def test_speckle_dissolves_alike_in_weak_and_strong_hearts() -> None:
    """With the walls held still, the same echoes at end systole whatever the EF."""
    video, _ = draw(PhantomRecipe(seed=3), 0)
    rest = contour(video.heart.ventricle, 0.0)

    def echoes(ef: float) -> Floats:
        of_ef: Drawn = replace(video, ef=ef)
        rng = np.random.default_rng(0)
        everywhere = scatterers(
            of_ef.heart, rest, of_ef.echo, lambda places: np.ones(len(places[0]), bool), rng
        )
        return Cloud(of_ef, everywhere, rng).at(Instant(rest, 0.0), 0.1, 1.0)[2]

    assert np.array_equal(echoes(15), echoes(70))


def test_brightness_and_contrast_are_no_better_than_the_mean() -> None:
    rows, efs = [], []
    for index in range(RENDERED):
        video, rng = draw(PhantomRecipe(seed=11, frames=24), index)
        frames = render(video, rng)[::4]
        rows.append([frames.mean(), frames.std()])
        efs.append(video.ef)
    # So few videos give 0.12 once in a hundred times by chance.
    assert r_squared(np.array(rows, float), np.array(efs)) < 0.12
