"""Speckle as physics has it: Rayleigh statistics, grain by depth, motion with the tissue."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edgeecho_train.phantom.population import PhantomRecipe
from edgeecho_train.speckle.beam import Beam
from edgeecho_train.speckle.drawing import Drawn, draw
from edgeecho_train.speckle.motion import Around, Instant
from edgeecho_train.speckle.rendering import render
from edgeecho_train.speckle.scatterers import DENSITY
from edgeecho_train.speckle.truth import contours, course, end_frames
from edgeecho_train.speckle.ventricle import contour

BEAM = Beam(
    depth_cm=14.0,
    half_angle=0.65,
    wavelength_cm=0.06,
    pulse_cm=0.06,
    waist_cm=0.14,
    focus_cm=7.0,
    field_cm=5.0,
)


@pytest.fixture(scope="module")
def homogeneous() -> np.ndarray:
    """Envelope of tissue that is the same everywhere, in the middle of the sector."""
    rng = np.random.default_rng(0)
    count = int(DENSITY * 22 * 15)
    x, z = rng.uniform(-11, 11, count), rng.uniform(0, 15, count)
    # As in the videos, scatterers have all signs: the plane cuts them by chance.
    amplitude = np.sqrt(2 / DENSITY) * np.cos(rng.uniform(0, 2 * np.pi, count))
    return np.abs(BEAM.receive(BEAM.scatter(x, z, amplitude)))


@pytest.mark.parametrize(("first", "last"), [(70, 140), (140, 210), (210, 280)])
def test_homogeneous_tissue_has_rayleigh_speckle(
    homogeneous: np.ndarray, first: int, last: int
) -> None:
    region = homogeneous[first:last]
    assert region.mean() / region.std() == pytest.approx(1.91, rel=0.15)
    # The beam's width and the cells' area are compensated for: mean power 1 at every depth.
    assert np.mean(region**2) == pytest.approx(1.0, rel=0.25)


def test_grains_lie_across_the_beam_and_grow_with_depth(homogeneous: np.ndarray) -> None:
    def width_cm(first: int, last: int, axis: int) -> float:
        """Lag at which the autocorrelation of the intensity falls below a half."""
        region = homogeneous[first:last] ** 2
        region = region - region.mean()
        length = region.shape[axis]
        each = [
            float(np.mean(np.take(region, range(lag, length), axis)
                          * np.take(region, range(length - lag), axis)))
            for lag in range(12)
        ]  # fmt: skip
        lag = float(np.interp(-0.5 * each[0], -np.array(each), np.arange(12)))
        middle = float(BEAM.range_cm[(first + last) // 2])
        step = BEAM.range_cm[1] - BEAM.range_cm[0]
        return lag * (step if axis == 0 else middle * 2 * BEAM.half_angle / 111)

    focal, deep = width_cm(120, 170, 1), width_cm(230, 287, 1)
    assert focal > 1.5 * width_cm(120, 170, 0)
    assert deep > 1.2 * focal


def _clean(index: int) -> Drawn:
    video, _ = draw(PhantomRecipe(seed=8, frames=24), index)
    settings = replace(
        video.settings,
        gain_db=-8.0, dynamic_range_db=40.0, curve=1.0, persistence=0.0, noise_db=-60.0,
        clutter_db=-60.0, haze_db=-60.0, lateral_loss_db=0.0, ribs=(), echoes=(),
    )  # fmt: skip
    return replace(video, settings=settings, ef=60.0)


def _wall(video: Drawn, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (X, Y) of a patch of the wall on either side, in a frame."""
    outline = contours(video)[frame]
    rest = contour(video.heart.ventricle, 0.0)
    sides = np.concatenate([np.linspace(-1.9, -0.9, 60), np.linspace(0.9, 1.9, 60)])
    angle, share = (part.ravel() for part in np.meshgrid(sides, np.linspace(0.2, 0.8, 12)))
    u, w = Around(rest, angle, share, np.zeros_like(angle)).at(Instant(outline, 0.0))
    time = float(course(video).times_s[frame])
    pixels = video.view.lines_to_pixels(np.stack([u, w], axis=-1), time).astype(np.float32)
    return pixels[:, 0], pixels[:, 1]


def _speckle(frame: np.ndarray, pixels: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The frame without its slow changes of brightness, at pixels."""
    grey = frame.astype(np.float32)
    return cv2.remap(grey - cv2.GaussianBlur(grey, (0, 0), 3), *pixels, cv2.INTER_LINEAR).ravel()


def test_speckle_moves_with_the_wall() -> None:
    tracked, untracked = [], []
    for index in range(3):
        video = _clean(index)
        shares = course(video).emptied
        first = end_frames(shares)[0]
        later = first + int(np.argmax(shares[first:] > 0.3))
        frames = render(video, np.random.default_rng(index))
        start = _speckle(frames[first], _wall(video, first))
        for found, place in ((tracked, later), (untracked, first)):
            seen = _speckle(frames[later], _wall(video, place))
            found.append(np.corrcoef(start, seen)[0, 1])
    assert np.mean(tracked) > np.mean(untracked) + 0.15, (tracked, untracked)
    assert np.mean(tracked) > 0.4, tracked
