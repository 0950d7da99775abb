"""Numbers of phantoms that must not change: models name the seeds that they were trained on."""

from __future__ import annotations

import numpy as np
import pytest

from edgeecho_train.phantom.cardiac_cycle import (
    Rhythm,
    draw_rr,
    end_frames,
    volume_curve,
)
from edgeecho_train.phantom.geometry import (
    Defect,
    Heart,
    Wave,
    at_volume,
    cavity_volume_ml,
    outline,
    profile,
    tracing,
    wall_volume_ml,
    wobble,
)
from edgeecho_train.phantom.population import Distribution, PhantomRecipe, draw_phantom

# EF, ESV, EDV, frames/s and split of `edgeecho phantom --seed 3`, as every version has drawn them.
SEED_3 = [
    (47.90, 116.4122, 223.4398, 28.05),
    (23.60, 151.0693, 197.7347, 45.81),
    (51.13, 70.2590, 143.7671, 35.22),
    (74.06, 32.6026, 125.6846, 29.66),
    (28.81, 117.1543, 164.5657, 48.64),
]


def test_a_seed_draws_the_same_phantoms_for_ever() -> None:
    for index, (ef, esv, edv, fps) in enumerate(SEED_3):
        found, _ = draw_phantom(PhantomRecipe(seed=3, frames=100, split="TEST"), index)
        assert (found.name, found.ef, found.fps) == (f"phantom-s3-{index:05d}", ef, fps)
        assert (found.frames, found.split) == (100, "TEST")
        assert cavity_volume_ml(found.heart) == pytest.approx(edv, abs=1e-4)
        assert cavity_volume_ml(found.heart, 1 - ef / 100) == pytest.approx(esv, abs=1e-4)


# EF, split, frames/s, frames, first frame in s, all beats together in s, atrial kick; of seed 17,
# whose first six have every split, and one that fibrillates.
Row = tuple[float, str, float, int, float, float, float]
SEED_17: dict[tuple[Distribution, int | None], list[Row]] = {
    ("uniform", None): [
        (60.98, "TRAIN", 48.9, 222, 0.4992, 5.5579, 0.1768),
        (31.09, "TRAIN", 60.79, 59, 0.0695, 2.0047, 0.1904),
        (76.31, "TRAIN", 56.46, 151, 0.2741, 5.0191, 0.1914),
        (11.71, "TEST", 78.64, 238, 0.3948, 3.9627, 0.1954),
        (46.61, "VAL", 68.0, 165, 0.1746, 3.131, 0.1808),
        (10.54, "TRAIN", 34.98, 135, 0.3533, 4.8612, 0.0),
    ],
    ("echonet", None): [
        (47.73, "TRAIN", 57.09, 222, 0.1986, 4.4481, 0.1768),
        (63.46, "TRAIN", 51.97, 56, 0.0695, 2.0047, 0.1904),
        (77.22, "TRAIN", 60.01, 151, 0.2741, 5.0191, 0.1914),
        (52.87, "TEST", 60.19, 238, 0.361, 4.5349, 0.1954),
        (60.17, "VAL", 48.08, 165, 0.0125, 4.0941, 0.1808),
        (56.86, "TRAIN", 49.47, 135, 0.1352, 3.3494, 0.0),
    ],
    ("uniform", 24): [
        (60.98, "TRAIN", 38.08, 24, 0.1827, 1.6799, 0.1768),
        (31.09, "TRAIN", 25.0, 24, 0.0653, 1.8857, 0.1904),
        (76.31, "TRAIN", 25.0, 24, 0.152, 2.4808, 0.1914),
        (11.71, "TEST", 35.37, 24, 0.3872, 1.7354, 0.1954),
        (46.61, "VAL", 39.74, 24, 0.2961, 1.5556, 0.1808),
        (10.54, "TRAIN", 29.29, 24, 0.11, 1.6466, 0.0),
    ],
}


@pytest.mark.parametrize(("distribution", "frames"), SEED_17)
def test_so_do_its_distributions_and_lengths(
    distribution: Distribution, frames: int | None
) -> None:
    recipe = PhantomRecipe(seed=17, distribution=distribution, frames=frames)
    for index, row in enumerate(SEED_17[distribution, frames]):
        p, _ = draw_phantom(recipe, index)
        timing = (round(p.start_s, 4), round(sum(p.rr_s), 4), round(p.kick, 4))
        assert (p.ef, p.split, p.fps, p.frames, *timing) == row


def test_one_in_ten_fibrillates_and_one_in_ten_has_premature_beats() -> None:
    found = [draw_phantom(PhantomRecipe(seed=17), index)[0] for index in range(60)]
    assert [i for i, p in enumerate(found) if p.kick == 0] == [5, 39]
    ratios = [min(np.array(p.rr_s[1:]) / p.rr_s[:-1]) for p in found]
    assert [i for i, p in enumerate(found) if p.kick and ratios[i] < 0.75] == [25, 35, 44]


@pytest.mark.parametrize(
    ("rr", "kick", "knots_s", "emptied"),
    [
        # At 60 beats/min: pre-ejection 107 ms, ejection 311 ms, relaxation 75 ms, then 180 ms.
        (1.0, 0.2, [0, 0.107, 0.418, 0.493, 0.673, 0.87, 1.0], [0, 0, 1, 1, 0.3, 0.2, 0]),
        (1.0, 0.0, [0, 0.107, 0.418, 0.493, 0.673, 1.0], [0, 0, 1, 1, 0.2, 0]),
        # At 150 the 96 ms that are left are shared: half of them early, 30 % for the atria.
        (0.4, 0.2, [0, 0.071, 0.229, 0.304, 0.352, 0.3712, 0.4], [0, 0, 1, 1, 0.3, 0.2, 0]),
    ],
)
def test_a_beats_knots(rr: float, kick: float, knots_s: list[float], emptied: list[float]) -> None:
    curve = volume_curve((rr,), 0.6, kick)
    assert curve.knots_s == pytest.approx(np.array(knots_s))
    assert curve.knots == pytest.approx(1 - 0.6 * np.array(emptied))
    two = volume_curve((rr, 1.0), 0.6, kick)
    assert two.knots_s[len(knots_s) - 1] == pytest.approx(rr)
    assert two.knots_s[-1] == pytest.approx(rr + 1)


def test_between_knots_the_volume_follows_a_half_cosine() -> None:
    curve = volume_curve((1.0,), 0.6, 0.0)
    # A third of the ejection: (1 - cos 60) / 2 of the stroke volume; in the middle it is fastest.
    third, middle = 0.107 + 0.311 / 3, 0.107 + 0.311 / 2
    assert curve.volume(third) == pytest.approx(1 - 0.6 * 0.25)
    assert curve.volume(middle) == pytest.approx(0.7)
    assert curve.rate(middle) == pytest.approx(-0.6 * np.pi / 2 / 0.311)
    assert curve.rate(third) == pytest.approx(-0.6 * np.pi / 2 / 0.311 * np.sin(np.pi / 3))
    assert curve.volume([-5.0, 5.0]) == pytest.approx([1, 1])
    assert curve.rate(0.45) == 0


def test_beats_cover_the_clip_from_anywhere_within_the_first() -> None:
    rng = np.random.default_rng(0)
    even = Rhythm(60, 0.0, 0.2)
    assert draw_rr(rng, even, 2.5) == (1.0, 1.0, 1.0, 1.0)
    assert draw_rr(rng, even, 3.0) == (1.0,) * 5
    premature = draw_rr(rng, Rhythm(60, 0.0, 0.2, premature=1.0), 2.5)
    assert premature == pytest.approx((0.7, 1.3, 0.7, 1.3))
    assert draw_rr(rng, Rhythm(300, 0.0, 0.2), 0.3) == (0.4, 0.4)
    scattered = draw_rr(rng, Rhythm(60, 0.1, 0.2), 2000.0)
    assert (min(scattered), max(scattered)) == pytest.approx((0.8, 1.2))


def test_the_longest_beat_is_two_deviations_above_the_mean_and_a_pause() -> None:
    assert Rhythm(75, 0.1, 0.2).longest_rr_s == pytest.approx(0.8 * 1.2)
    assert Rhythm(75, 0.1, 0.2, premature=0.2).longest_rr_s == pytest.approx(0.8 * 1.3 * 1.2)


@pytest.mark.parametrize(
    ("volumes", "frames"),
    [
        ([1, 1, 0.8, 0.5, 0.5, 0.9, 1, 0.7, 0.5], (1, 4)),
        ([0.7, 0.5, 0.8, 1, 1, 0.7, 0.5, 0.5], (4, 7)),
        # Of different beats, if none is whole.
        ([0.5, 0.5, 0.8, 1, 1, 0.9], (4, 1)),
        ([1, 0.5], (0, 1)),
    ],
)
def test_end_diastole_and_end_systole_are_the_last_of_their_frames(
    volumes: list[float], frames: tuple[int, int]
) -> None:
    assert end_frames(np.array(volumes), 0.5) == frames
    near = np.array(volumes) + 0.4e-9
    assert end_frames(near - 0.8e-9, 0.5) == end_frames(near, 0.5) == frames


@pytest.mark.parametrize("volumes", [[0.9, 0.5, 0.9], [1, 0.51, 1]])
def test_frames_that_miss_either_are_refused(volumes: list[float]) -> None:
    with pytest.raises(ValueError, match="miss end diastole or end systole"):
        end_frames(np.array(volumes), 0.5)


HEART = Heart(9.0, 4.8, 0.9, 0.17, (), 1.0, 1.0)


def test_a_ventricle_at_a_volume() -> None:
    full, part = at_volume(HEART, 1.0), at_volume(HEART, 0.45)
    assert (full.length, full.radius, full.relaxation) == pytest.approx((9.0, 2.4, 0.0))
    assert full.apical_wall == pytest.approx(0.675)
    assert full.outer_radius == pytest.approx(3.3)
    assert (full.semi_axis, full.annulus_radius) == pytest.approx((6.0, 2.4 * np.sqrt(0.75)))
    shortened = 0.45**0.17
    narrowed = np.sqrt(0.45 / shortened)
    assert part.length == pytest.approx(9 * shortened)
    assert part.radius == pytest.approx(2.4 * narrowed)
    assert part.apical_wall == pytest.approx(0.675 / shortened)
    assert part.relaxation == pytest.approx(1 / narrowed - 1)


def test_the_wall_is_what_lies_between_two_ellipsoids() -> None:
    # The outer one is 3.3 cm wide, reaches 6.675 cm above its centre, and is cut 3 cm below it.
    cut = 3 / 6.675
    outer = np.pi * 3.3**2 * 6.675 * (2 / 3 + cut - cut**3 / 3)
    assert wall_volume_ml(HEART) == pytest.approx(outer - cavity_volume_ml(HEART))
    part = at_volume(HEART, 0.45)
    above = part.semi_axis + part.apical_wall
    cut = part.semi_axis / 2 / above
    total = np.pi * part.outer_radius**2 * above * (2 / 3 + cut - cut**3 / 3)
    assert total - cavity_volume_ml(HEART, 0.45) == pytest.approx(wall_volume_ml(HEART))


def test_a_wave_and_a_defect_widen_where_they_are() -> None:
    s = np.array([0.0, 0.25, 0.5, 1.0])
    wave = Wave(0.05, 2, 0.0, np.pi / 2)
    waved = Heart(9.0, 4.8, 0.9, 0.17, (wave, wave), 1.0, 1.0)
    window = np.sin(np.pi * s)
    assert wobble(waved, s) == pytest.approx(
        np.array([1 + 0.1 * window * np.cos(2 * np.pi * s + p) for p in (0, np.pi / 2)])
    )
    ill = Heart(9.0, 4.8, 0.9, 0.17, (), 1.0, 1.0, Defect(1, 0.5, 0.25, 0.8))
    places = np.array([0.24, 0.25, 0.375, 0.5, 0.625, 0.75])
    septal, lateral = outline(ill, 0.4, places)
    assert septal == pytest.approx(np.ones(6))
    assert lateral == pytest.approx(1 + 0.8 * 0.4 * np.array([0, 0, 0.5, 1, 0.5, 0]))


def test_a_tracing_is_the_long_axis_and_20_short_ones_in_the_middle_of_their_discs() -> None:
    lines = tracing(HEART, at_volume(HEART, 1.0))
    assert lines.shape == (21, 2, 2)
    assert lines[0].tolist() == [[0, 0], [0, 9]]
    s = (np.arange(20) + 0.5) / 20
    assert lines[1:, 0, 1] == pytest.approx(9 * s)
    assert lines[1:, 1, 1] == pytest.approx(9 * s)
    assert lines[1:, 1, 0] == pytest.approx(2.4 * profile(s))
    assert lines[1:, 0, 0] == pytest.approx(-2.4 * profile(s))
