"""The table of beats, from masks."""

from __future__ import annotations

import numpy as np
import pytest
from beating import SIZE, beating

from edgeecho.beats import Beats, beats_of

SECONDS = np.arange(200) / 50
ONSETS = [0.2, 1.1, 2.0, 2.9]
MASKS = beating(SECONDS, ONSETS)


def whole(beats: Beats) -> list[tuple[int, int]]:
    return [(beat.ed.frame, beat.es.frame) for beat in beats.found if beat.ed and beat.es]


def test_a_row_for_each_beat() -> None:
    beats = beats_of(MASKS, SECONDS, spacing_mm=1.5)
    assert beats.reason is None
    assert len(beats.found) == len(beats.used) == 4
    for beat, onset in zip(beats.used, ONSETS, strict=True):
        assert beat.ed is not None
        assert beat.es is not None
        assert beat.ed.ms == 20 * beat.ed.frame == pytest.approx(1000 * onset + 60, abs=40)
        assert beat.es.ms == 20 * beat.es.frame == pytest.approx(1000 * onset + 360, abs=40)
        assert beat.traced_ef == pytest.approx(60, abs=2)
        assert beat.area_length_ef == pytest.approx(60, abs=2)
        for moment in (beat.ed, beat.es):
            assert moment.shape is not None
            assert moment.shape.area == MASKS[moment.frame].sum()
            assert moment.shape.spacing_mm == 1.5
            assert (moment.components, moment.border) == (1, 0.0)
            one, next_one = MASKS[moment.frame], MASKS[moment.frame + 1]
            dice = 2 * (one & next_one).sum() / (one.sum() + next_one.sum())
            assert moment.overlap == pytest.approx(dice)
    assert [beat.rr_ms for beat in beats.used] == [900.0, 900.0, 900.0, None]
    assert [beat.previous_rr_ms for beat in beats.used] == [None, 900.0, 900.0, 900.0]
    assert [beat.index for beat in beats.used] == [False, False, True, True]
    efs = [beat.traced_ef for beat in beats.used]
    assert beats.mean_ef == np.mean(efs)
    assert beats.median_ef == np.median(efs)
    assert beats.index_ef == np.mean(efs[2:])
    assert beats.spread == pytest.approx(np.std(efs, ddof=1))
    assert beats.rr_ms == (900.0, 900.0, 900.0)
    assert beats.regular is True


def test_an_irregular_rhythm_says_so_and_has_few_index_beats() -> None:
    onsets = [0.2, 0.8, 1.95, 2.6, 3.2]
    beats = beats_of(beating(SECONDS, onsets), SECONDS)
    assert len(beats.used) == 5
    assert beats.regular is False
    # RR 600, 1150, 650 and 600 ms: only the last two are alike.
    assert [beat.index for beat in beats.used] == [False, False, False, False, True]
    assert beats.index_ef == beats.used[-1].traced_ef
    assert beats.mean_ef == pytest.approx(60, abs=2)


def test_partial_beats_are_marked_and_not_used() -> None:
    seconds = np.arange(100) / 50
    beats = beats_of(beating(seconds, [-0.15, 0.7, 1.8]), seconds)
    assert [beat.unused for beat in beats.found] == [
        "begins before the video",
        None,
        "ends after the video",
    ]
    first, used, last = beats.found
    assert first.ed is first.rr_ms is first.traced_ef is None
    assert last.es is last.rr_ms is last.traced_ef is None
    # The next end diastole is seen, so the interval is known.
    assert used.rr_ms == pytest.approx(1100, abs=20)
    assert (beats.mean_ef, beats.spread, beats.regular) == (used.traced_ef, None, None)


def test_logits_are_masks_where_they_are_positive() -> None:
    logits = np.where(MASKS, np.float32(0.5), np.float32(-3))
    assert whole(beats_of(logits, SECONDS)) == whole(beats_of(MASKS, SECONDS))
    assert beats_of(np.zeros_like(logits), SECONDS).reason == "no mask"


def test_a_second_part_does_not_count() -> None:
    masks = MASKS.copy()
    masks[::2, 100:110, 2:30] = True
    clean, spotted = beats_of(MASKS, SECONDS), beats_of(masks, SECONDS)
    assert whole(spotted) == whole(clean)
    assert spotted.mean_ef == clean.mean_ef
    for beat in spotted.used:
        assert beat.ed is not None
        assert beat.ed.components == (2 if beat.ed.frame % 2 == 0 else 1)


def test_no_masks_have_their_own_reason() -> None:
    masks = MASKS.copy()
    masks[:101] = False
    assert beats_of(masks, SECONDS).reason == "no mask"
    assert beats_of(masks[:0], SECONDS[:0]).reason == "no mask"


def test_a_beat_with_too_few_masks_is_not_used() -> None:
    masks = MASKS.copy()
    # In the ejection of the second beat.
    masks[60:70] = False
    beats = beats_of(masks, SECONDS)
    assert [beat.unused for beat in beats.found] == [None, "no mask", None, None]
    assert len(beats.used) == 3


def test_a_still_has_its_own_reason() -> None:
    beats = beats_of(np.repeat(MASKS[:1], 50, axis=0), SECONDS[:50])
    assert (beats.reason, beats.found, beats.mean_ef) == ("still", (), None)
    assert beats_of(MASKS[:1], SECONDS[:1]).reason == "still"


def test_masks_that_jump_are_no_beat() -> None:
    order = np.random.default_rng(2).permutation(len(MASKS))
    beats = beats_of(MASKS[order], SECONDS)
    assert (beats.reason, beats.found) == ("no beat", ())


def test_a_part_of_a_beat_is_no_whole_beat() -> None:
    beats = beats_of(MASKS[10:24], SECONDS[10:24])
    assert beats.reason == "no whole beat"
    assert [beat.unused for beat in beats.found] == ["ends after the video"]


def test_a_mask_at_the_edge_of_the_sector_has_its_own_reason() -> None:
    sector = np.ones((SIZE, SIZE), bool)
    assert beats_of(MASKS, SECONDS, sector=sector).reason is None
    # The sector ends where the widest part of the ventricle does.
    sector[:, :40] = False
    at_edge = beats_of(MASKS, SECONDS, sector=sector)
    assert at_edge.reason == "mask at the sector's edge"
    assert {beat.unused for beat in at_edge.found} == {"mask at the sector's edge"}
    assert at_edge.mean_ef is None
    # The end of the picture is one too.
    assert beats_of(MASKS[:, :, 40:], SECONDS).reason == "mask at the sector's edge"


def bulging(width: float, length: float, by: tuple[float, float]) -> np.ndarray:
    """Masks of an ellipse with these half axes, which change by `by` in each systole."""
    y, x = np.mgrid[:112, :112] - 56
    phase = np.sin(np.pi * np.arange(150) / 50 * 75 / 60)[:, None, None] ** 2
    wide, long = width + by[0] * phase, length + by[1] * phase
    return np.asarray((x / wide) ** 2 + (y / long) ** 2 < 1)


@pytest.mark.parametrize(
    ("masks", "unused"),
    [
        # The area falls by a fifth, and the volume rises by a quarter.
        (bulging(10, 50, (5, -23)), "implausible volumes"),
        (bulging(20, 45, (-15, -10)), "implausible volumes"),
        (bulging(20, 45, (-10, -10)), None),
    ],
    ids=["rises", "falls by 95 %", "falls by 80 %"],
)
def test_a_beat_whose_volumes_cannot_be_is_not_used(masks: np.ndarray, unused: str | None) -> None:
    beats = beats_of(masks, np.arange(len(masks)) / 50)
    assert [beat.unused for beat in beats.found if beat.ed and beat.es][:2] == [unused] * 2
    assert beats.reason == unused
    assert (beats.mean_ef is None) == (unused is not None)


def test_a_beat_keeps_the_networks_answer_for_its_clip() -> None:
    beats = beats_of(MASKS, SECONDS)
    starts = [max(es - 32, 0) for _, es in whole(beats)]
    answered = beats.with_network({starts[0]: 50.0, starts[2]: 60.0, 1000: 99.0})
    assert [beat.network_ef for beat in answered.found] == [50.0, None, 60.0, None]
    assert answered.network_ef == 55.0
    assert answered.mean_ef == beats.mean_ef
    assert beats.network_ef is None


def test_the_published_rule_has_systoles_alone() -> None:
    masks = MASKS.copy()
    # It takes all parts of a mask, and one bad mask for a beat.
    masks[40] = False
    beats = beats_of(masks, SECONDS, rule="published")
    frames = [beat.es.frame for beat in beats.found if beat.es]
    assert 40 in frames
    assert all(beat.ed is beat.traced_ef is beat.rr_ms is None for beat in beats.found)
    assert [beat.es.shape is None for beat in beats.found if beat.es] == [f == 40 for f in frames]
    assert np.array_equal(beats.curve.areas, masks.sum(axis=(1, 2)))
    answered = beats.with_network({max(frame - 32, 0): float(frame) for frame in frames})
    assert answered.network_ef == np.mean(frames)
    assert beats_of(masks[:5], SECONDS[:5], rule="published").reason == "no beat"


@pytest.mark.parametrize("seconds", [SECONDS[1:], SECONDS[::-1], np.zeros(200)])
def test_times_must_fit_the_masks(seconds: np.ndarray) -> None:
    with pytest.raises(ValueError, match="T times that increase"):
        beats_of(MASKS, seconds)
