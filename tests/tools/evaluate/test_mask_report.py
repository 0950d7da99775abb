"""Masks, moments and beats over all videos, done by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgeecho.tools.evaluate.mask_report import report_masks
from edgeecho.tools.evaluate.masks import NO_CLIP, BeatEF, TracedFrame, VideoMasks
from edgeecho.tools.evaluate.phases import Distance, phases_of
from edgeecho.tools.evaluate.predictions import Prediction
from edgeecho.trust import Hints

HINTS = Hints(50.0, None, None, None)


def frame(
    pixels: int, traced: int, common: int, late: int | None = 0, area: float = 0.0
) -> TracedFrame:
    ms = None if late is None else late * 20.0
    return TracedFrame(pixels, traced, common, area, 2 * area, late, ms)


def video(
    ef: float,
    clips: tuple[float, ...],
    *,
    beat: BeatEF,
    published: BeatEF,
    traced_ef: float | None,
    traced: tuple[TracedFrame, TracedFrame] | None = None,
    fault: str | None = None,
) -> Prediction:
    no_beats = None if traced_ef is not None else "still"
    masks = VideoMasks(traced, fault, traced_ef, no_beats, beat, published, ms=30.0)
    return Prediction("v", ef, 70, clips, None, (), 1, 1, 1, 0, HINTS, masks)


def test_dice_is_over_all_pixels_and_videos_are_drawn_with_both_frames() -> None:
    good, bad = frame(100, 100, 100), frame(300, 100, 50)
    ed, es, both = phases_of([(good, bad), (good, bad)])
    assert [p.name for p in (ed, es, both)] == ["ED", "ES", "both"]
    assert ed.dice.value == 1
    assert es.dice.value == pytest.approx(2 * 50 / 400)
    assert both.dice.value == pytest.approx(2 * 150 / 600)
    # Two equal videos: drawn with both of their frames, every resample is the same.
    assert both.dice.low == both.dice.high == pytest.approx(both.dice.value)
    assert phases_of([]) == ()


def test_errors_of_size_keep_their_sign_in_the_bias() -> None:
    up, down = frame(1, 1, 1, area=10.0), frame(1, 1, 1, area=-4.0)
    ed, es, both = phases_of([(up, down), (down, down)])
    assert (ed.area.bias, ed.area.mae.value) == pytest.approx((3, 7))
    assert (es.area.bias, es.area.mae.value) == pytest.approx((-4, 4))
    assert (both.volume.bias, both.volume.mae.value) == pytest.approx((-1, 11))
    assert ed.area.mae.low == pytest.approx(4)
    assert ed.area.mae.high == pytest.approx(10)


def test_a_moment_that_was_not_detected_is_infinitely_far_and_counted() -> None:
    here, late = frame(1, 1, 1, 0), frame(1, 1, 1, -3)
    none = frame(1, 1, 1, None)
    ed, es, both = phases_of([(here, late), (here, none), (late, none)])
    assert (ed.undetected, es.undetected, both.undetected) == (0, 2, 2)
    assert (ed.frames.median, ed.frames.p90, ed.frames.bias) == (0, 3, -1)
    assert (es.frames.median, es.frames.p90, es.frames.bias) == (None, None, -3)
    assert (both.frames.median, both.ms.median, both.frames.p90) == (3, 60, None)
    assert Distance.of([None]) == Distance(None, None, None)
    # Between 1 and infinity there is nothing: the 50th percentile of four is one of them.
    assert Distance.of([0, 1, None, None]).median is None


def test_no_video_is_dropped_where_beats_or_their_clips_are_missing() -> None:
    truth = np.array([50.0, 60.0, 40.0, 30.0])
    found, none = BeatEF(2, 2, 58.0, None), BeatEF(0, 0, None, "no beat")
    without = BeatEF(1, 0, None, NO_CLIP)
    predictions = [
        video(52, (49, 55), beat=BeatEF(1, 1, 51.0, None), published=found, traced_ef=48.0),
        video(56, (50, 62), beat=BeatEF(2, 1, 59.0, None), published=none,
              traced_ef=61.0),
        video(45, (44, 46), beat=BeatEF(0, 0, None, "still"), published=none,
              traced_ef=None),
        video(33, (30, 36), beat=without, published=without,
              traced_ef=36.0),
    ]  # fmt: skip
    report = report_masks(predictions, truth, "all")
    assert report is not None
    one, every, beats, published, traced = report.rows
    assert [row.name for row in report.rows] == [
        "the clip at frame 0", "all clips", "beat by beat", "beat by beat, published rule",
        "traced EF",
    ]  # fmt: skip
    metrics = [row.metrics for row in report.rows]
    assert all(m is not None for m in metrics)
    assert [m.n for m in metrics if m] == [4, 4, 4, 4, 3]
    maes = [np.mean(errors) for errors in ((1, 10, 4, 0), (2, 4, 5, 3), (1, 1, 5, 3),
                                           (8, 4, 5, 3), (2, 1, 6))]  # fmt: skip
    assert [m.mae for m in metrics if m] == pytest.approx(maes)
    assert beats.without == {"still": 1, NO_CLIP: 1}
    assert published.without == {"no beat": 2, NO_CLIP: 1}
    assert traced.without == {"still": 1}
    assert beats.own is not None
    assert published.own is not None
    assert (beats.own.n, beats.own.mae) == (2, 1)
    assert (published.own.n, published.own.mae) == (1, 8)
    assert beats.change is not None
    # Paired: the differences of the four videos are -1, -3, 0 and 0.
    assert beats.change.value == pytest.approx(-1)
    assert -3 <= beats.change.low < -1 < beats.change.high <= 0
    assert (every.change, traced.change) == (None, None)
    assert one.change is not None
    assert one.change.value == pytest.approx(15 / 4 - 14 / 4)
    assert report.ms == 30


def test_other_clips_give_no_ef_beat_by_beat() -> None:
    beat = BeatEF(2, 0, None, None)
    one = video(50, (50.0,), beat=beat, published=beat, traced_ef=None)
    report = report_masks([one], np.array([50.0]), "stride:16")
    assert report is not None
    (traced,) = report.rows
    assert (traced.name, traced.metrics, traced.without) == ("traced EF", None, {"still": 1})


def test_tracings_that_cannot_be_used_are_counted_by_their_fault() -> None:
    beat = BeatEF(1, 1, 50.0, None)
    good = (frame(10, 10, 8), frame(10, 10, 8))
    videos = [
        video(50, (50.0,), beat=beat, published=beat, traced_ef=50.0, traced=good),
        video(50, (50.0,), beat=beat, published=beat, traced_ef=50.0, fault="an empty outline"),
        video(50, (50.0,), beat=beat, published=beat, traced_ef=50.0, fault="an empty outline"),
    ]
    report = report_masks(videos, np.array([50.0, 40.0, 60.0]), "all")
    assert report is not None
    assert report.left_out == {"an empty outline": 2}
    assert [phase.videos for phase in report.phases] == [1, 1, 1]
    assert report.phases[2].dice.value == pytest.approx(0.8)


def test_without_a_segmentation_there_is_no_report() -> None:
    plain = Prediction("v", 50, 70, (50.0,), None, (), 1, 1, 1, 0, HINTS)
    assert report_masks([plain], np.array([50.0]), "all") is None
