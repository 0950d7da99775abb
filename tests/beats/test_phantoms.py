"""Beats of phantoms with every nuisance, from their exact masks and from damaged ones.

What is measured is printed (`-s`); the bounds leave room. These are errors of the geometry and of
the search for beats, on synthetic hearts: no network is part of them, and no patient.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edgeecho.beats import beats_of
from edgeecho_train.phantom.population import Phantom, PhantomRecipe, draw_phantom
from edgeecho_train.phantom.truth import end_times, masks

pytestmark = pytest.mark.slow  # 70 videos, so that 5 % of the beats of arrhythmic ones are some.

RECIPE = PhantomRecipe(seed=2111)
Masks = NDArray[np.bool_]


def arrhythmic(phantom: Phantom) -> bool:
    """It fibrillates, or has a premature beat."""
    return phantom.kick == 0 or max(phantom.rr_s) > 1.35 * min(phantom.rr_s)


@pytest.fixture(scope="module")
def phantoms() -> list[tuple[Phantom, Masks]]:
    """60 as they come, and the arrhythmic ones of 60 more."""
    drawn = [draw_phantom(RECIPE, index)[0] for index in range(120)]
    chosen = drawn[:60] + [phantom for phantom in drawn[60:] if arrhythmic(phantom)]
    return [(phantom, masks(phantom)) for phantom in chosen]


def damaged(exact: Masks, rng: np.random.Generator) -> Masks:
    """Jagged edges, a second part in three of ten masks, and one bad mask in twenty: empty, far too
    small or far too large, also several in a row."""
    worse = np.empty_like(exact)
    kernel = np.ones((13, 13), np.uint8)
    for frame, mask in enumerate(exact):
        noise = rng.normal(0, 1, mask.shape).astype(np.float32)
        soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)
        worse[frame] = soft + 0.5 * cv2.GaussianBlur(noise, (0, 0), 1.0) > 0.5
        if rng.random() < 0.3:
            y, x = rng.integers(85, 104), rng.integers(5, 100)
            worse[frame, y : y + 8, x : x + 10] = True
        if rng.random() < 0.05:
            grey = worse[frame].astype(np.uint8)
            bad = (grey * 0, cv2.erode(grey, kernel), cv2.dilate(grey, kernel))
            worse[frame] = bad[rng.integers(3)] > 0
    return worse


@dataclass
class Measured:
    ed: list[float] = field(default_factory=list)
    es: list[float] = field(default_factory=list)
    """Error of each beat's frame, in frames of 50/s."""
    whole: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    """Whole beats of arrhythmic phantoms and of others, and those that were found."""
    found: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    too_many: int = 0
    ef: list[float] = field(default_factory=list)
    area_length: list[float] = field(default_factory=list)
    without: list[str] = field(default_factory=list)

    def add(self, phantom: Phantom, shown: Masks) -> None:
        seconds = np.arange(phantom.frames) / phantom.fps
        beats = beats_of(shown, seconds, spacing_mm=10 * phantom.view.cm_per_pixel)
        ends = [(beat.ed.ms, beat.es.ms) for beat in beats.found if beat.ed and beat.es]
        matched = 0
        kind = arrhythmic(phantom)
        for true_ed, true_es in 1000 * end_times(phantom):
            near = [pair for pair in ends if abs(pair[1] - true_es) < 120 > abs(pair[0] - true_ed)]
            matched += len(near)
            # Whole: the video shows its end diastole before it ends, and its end systole after.
            if true_ed > 50 and true_es < 1000 * seconds[-1] - 60:
                self.whole[kind] += 1
                self.found[kind] += bool(near)
                self.ed += [(ed - true_ed) / 20 for ed, _ in near]
                self.es += [(es - true_es) / 20 for _, es in near]
        self.too_many += len(ends) - matched
        if beats.mean_ef is None:
            self.without.append(f"{phantom.name}: {beats.reason}")
            return
        self.ef.append(beats.mean_ef - phantom.ef)
        by_area = [ef for beat in beats.used if (ef := beat.area_length_ef) is not None]
        self.area_length.append(float(np.mean(by_area)) - phantom.ef)

    def show(self) -> None:
        print()
        print("found of whole:", self.found, self.whole, "too many:", self.too_many)
        for name, errors in (("ED", self.ed), ("ES", self.es)):
            print(f"{name}: median {np.median(np.abs(errors)):.2f}", end=", ")
            print(f"p90 {np.percentile(np.abs(errors), 90):.2f} frames of 50/s,", end=" ")
            print(f"mean {np.mean(errors):+.2f}")
        for name, errors in (("EF by discs", self.ef), ("by area and length", self.area_length)):
            print(f"{name}: MAE {np.abs(errors).mean():.2f}, mean {np.mean(errors):+.2f}", end=", ")
            print(f"worst {np.abs(errors).max():.2f} of {len(errors)} videos")
        print("without a beat:", self.without)


def measure(videos: list[tuple[Phantom, Masks]]) -> Measured:
    measured = Measured()
    for phantom, shown in videos:
        measured.add(phantom, shown)
    measured.show()
    return measured


def test_exact_masks(phantoms: list[tuple[Phantom, Masks]]) -> None:
    measured = measure(phantoms)
    for errors in (np.abs(measured.ed), np.abs(measured.es)):
        assert np.median(errors) <= 1
        assert np.percentile(errors, 90) <= 2
    assert measured.whole[True] > 60
    for kind in (True, False):
        assert measured.found[kind] >= 0.98 * measured.whole[kind]
    assert measured.too_many <= 2
    assert np.abs(measured.ef).mean() <= 0.8
    assert np.abs(measured.area_length).mean() <= 0.8
    assert np.abs(measured.ef).max() <= 3
    assert len(measured.without) <= 2


def test_damaged_masks(phantoms: list[tuple[Phantom, Masks]]) -> None:
    rng = np.random.default_rng(5)
    measured = measure([(phantom, damaged(exact, rng)) for phantom, exact in phantoms])
    for errors in (np.abs(measured.ed), np.abs(measured.es)):
        assert np.median(errors) <= 1
        assert np.percentile(errors, 90) <= 2.5
    for kind in (True, False):
        assert measured.found[kind] >= 0.95 * measured.whole[kind]
    assert measured.too_many <= 0.02 * sum(measured.whole.values())
    assert np.abs(measured.ef).mean() <= 1.2
    assert len(measured.without) <= 3
