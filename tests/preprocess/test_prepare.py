from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from screens import live, rows

from edgeecho.cine import Cine, DecodeLimits, Region, read_cine
from edgeecho.common.errors import InputError, ModelError, UsageError
from edgeecho.preprocess import Handling, PreprocessSpec, VideoFacts, fit_frames, prepare

SPEC = PreprocessSpec((32, 32, 32), (50, 50, 50), training_fps=50.0)
RESAMPLE = replace(SPEC, time="resample(50)")
NOISE = np.random.default_rng(0).integers(0, 256, (80, 112, 112, 3), dtype=np.uint8)


def cine(frames: np.ndarray = NOISE, fps: float | None = 50.0) -> Cine:
    stamps = np.arange(len(frames)) / fps if fps else np.full(len(frames), np.nan)
    return Cine(frames, stamps, fps, "container" if fps else "unknown", "avi", "MJPG")


@pytest.mark.parametrize("spec", [SPEC, RESAMPLE, replace(SPEC, frames=8)])
def test_what_the_model_expects_passes_bit_for_bit(spec: PreprocessSpec) -> None:
    prepared = prepare(cine(), spec)
    assert (prepared.frames == NOISE).all()
    assert prepared.area == "whole"
    assert prepared.sector is None
    assert (prepared.source == np.arange(80)).all()


def test_the_published_size_is_taken_whole_by_smaller_models_too() -> None:
    small = replace(SPEC, size=56)
    prepared = prepare(cine(), small)
    assert prepared.area == "whole"
    assert (prepared.frames == fit_frames(NOISE, small)).all()


@pytest.mark.slow
def test_of_that_size_with_several_regions_a_sector_is_looked_for() -> None:
    two = cine(rows([live(0, 56), live(1, 56)], [live(2, 56), live(3, 56)]))
    one = replace(two, regions=(Region(0, 0, 112, 112), Region(4, 4, 90, 90)))
    assert prepare(one, SPEC).area == "whole"
    regions = tuple(Region(x, y, 56, 56) for y in (0, 56) for x in (0, 56))
    prepared = prepare(replace(two, regions=regions), SPEC)
    assert prepared.area == "DICOM region"
    assert prepared.sector is not None
    assert len(prepared.sector.choices) == 4
    assert prepare(replace(two, regions=regions), SPEC, Handling(find_sector=False)).area == "whole"


@pytest.mark.parametrize("fps", [25.0, 30.0, 80.0])
def test_a_resample_spec_brings_the_video_to_its_rate(fps: float) -> None:
    prepared = prepare(cine(fps=fps), RESAMPLE)
    assert prepared.fps == 50
    assert prepared.time == "resample(50)"
    assert np.diff(prepared.times_s) == pytest.approx(1 / 50)
    assert prepared.times_s[-1] == pytest.approx(79 / fps, abs=1 / 50)
    assert (prepared.frames == NOISE[prepared.source]).all()
    assert np.abs(prepared.source / fps - prepared.times_s).max() <= 0.56 / fps


def test_the_user_may_choose_the_time_base() -> None:
    assert prepare(cine(fps=25.0), RESAMPLE, Handling(time="native")).time == "native"
    prepared = prepare(cine(fps=25.0), SPEC, Handling(time="resample"))
    assert (prepared.time, len(prepared.frames)) == ("resample(50)", 159)
    with pytest.raises(UsageError, match="does not say at what frame rate it was trained"):
        prepare(cine(), replace(SPEC, training_fps=None), Handling(time="resample"))


@pytest.mark.parametrize(
    ("fps", "words"), [(None, "does not say its frame rate"), (600.0, "600 frames/s"), (5.0, "5 f")]
)
def test_a_rate_that_is_unknown_or_absurd_must_be_given(fps: float | None, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        prepare(cine(fps=fps), RESAMPLE)
    assert "--fps" in str(caught.value)
    assert prepare(cine(fps=fps).at_rate(50), RESAMPLE).fps == 50
    assert prepare(cine(fps=fps), SPEC).fps == fps


@pytest.mark.parametrize(
    ("fps", "plausible"), [(14.99, False), (15.0, True), (150.0, True), (150.01, False)]
)
def test_a_rate_is_plausible_from_15_to_150_frames_a_second(fps: float, plausible: bool) -> None:
    if plausible:
        assert prepare(cine(fps=fps), RESAMPLE).fps == 50
    else:
        with pytest.raises(InputError, match="which no echocardiogram has"):
            prepare(cine(fps=fps), RESAMPLE)


@pytest.mark.parametrize("time", ["resample", "resample()", "resample(0)", "resample(-50)", "x"])
def test_a_spec_with_another_time_is_refused(time: str) -> None:
    with pytest.raises(ModelError, match="is not known to this version"):
        replace(SPEC, time=time)


def test_the_users_rectangle_is_cut_out() -> None:
    wide = np.zeros((70, 200, 300, 3), np.uint8)
    wide[:, 40:152, 100:212] = NOISE[:70]
    prepared = prepare(cine(wide), SPEC, Handling(crop=Region(100, 40, 112, 112)))
    assert (prepared.frames == NOISE[:70]).all()
    assert prepared.area == "--crop"
    with pytest.raises(InputError, match="reaches outside the image of 300x200"):
        prepare(cine(wide), SPEC, Handling(crop=Region(200, 40, 112, 112)))


def test_no_crop_takes_the_central_square() -> None:
    wide = np.random.default_rng(1).integers(0, 256, (10, 200, 300, 3), dtype=np.uint8)
    prepared = prepare(cine(wide), SPEC, Handling(find_sector=False))
    assert prepared.area == "central square"
    assert (prepared.frames == fit_frames(wide, SPEC)).all()


@pytest.mark.parametrize(
    "wishes", [{"time": "often"}, {"crop": Region(0, 0, 9, 9), "find_sector": False}]
)
def test_wishes_that_make_no_sense_are_usage_errors(wishes: dict) -> None:
    with pytest.raises(UsageError):
        Handling(**wishes)


@pytest.mark.slow
def test_the_real_cine_is_cut_out_and_its_repeats_and_heart_rate_found() -> None:
    path = get_testdata_file("color3d_jpeg_baseline.dcm", download=False)
    assert path, "pip install pydicom-data"
    cine = read_cine(Path(str(path)))
    prepared = prepare(cine, RESAMPLE)
    facts = VideoFacts.of(cine, prepared, RESAMPLE)
    assert facts.repeated_frames == (11, 28, 44, 61, 77, 94, 110)
    assert facts.odd_frames == ()
    assert facts.heart_rate_bpm == pytest.approx(66, abs=2)
    assert facts.area in ("DICOM region", "found in the frames")
    assert facts.square is not None
    assert facts.fill is not None
    assert 0.4 < facts.fill < 0.95
    assert facts.clip_s == pytest.approx(63 / 50)
    assert len(prepared.frames) == pytest.approx(120 * 50 / 30, abs=3)


def late(after: int, by_s: float, frames: np.ndarray = NOISE) -> Cine:
    """50 frames/s; what follows frame `after` comes `by_s` later than it should."""
    stamps = np.arange(len(frames)) / 50
    stamps[after + 1 :] += by_s
    return replace(cine(frames), timestamps_s=stamps)


@pytest.mark.parametrize("by_s", [0.5, 100.0, 40_000.0, 1e15])
def test_a_gap_is_not_filled_with_a_still(by_s: float) -> None:
    gap = late(78, by_s)
    with pytest.raises(InputError, match=r"no frame for [0-9.e+]+ s after 1\.56 s") as caught:
        prepare(gap, RESAMPLE)
    assert "--fps" in str(caught.value)
    assert "--time native" in str(caught.value)
    assert prepare(gap, RESAMPLE, Handling(time="native")).notes == ()
    assert (prepare(gap.at_rate(50), RESAMPLE).frames == NOISE).all()


def test_a_gap_of_less_than_a_quarter_of_a_clip_is_named() -> None:
    prepared = prepare(late(39, 0.2), RESAMPLE)
    # 0.22 s: its first and last frame are at most a step and a half from a decoded one.
    assert prepared.notes == (
        "no frame for 0.22 s after 0.78 s: there, resampling repeats its neighbours "
        "(8 of 90 frames)",
    )
    assert VideoFacts.of(late(39, 0.2), prepared, RESAMPLE).notes == prepared.notes


def test_a_quarter_of_a_clip_is_the_most_that_a_gap_may_take() -> None:
    # A clip spans 63 frames, a quarter of it are 15.75; 3 steps of a gap are none.
    named = prepare(late(39, 17.4 / 50), RESAMPLE).notes[0]
    assert named.endswith("(15 of 97 frames)")
    with pytest.raises(InputError, match="make 16 of a clip's 63 frames"):
        prepare(late(39, 17.6 / 50), RESAMPLE)


def test_gaps_that_only_together_fill_a_clip_are_refused() -> None:
    stamps = np.arange(80) / 50
    for after in (20, 25, 30, 35):
        stamps[after + 1 :] += 0.14
    with pytest.raises(InputError, match="20 of a clip's 63 frames"):
        prepare(replace(cine(), timestamps_s=stamps), RESAMPLE)


@pytest.mark.parametrize("fps", [15.0, 25.0, 30.0, 150.0])
def test_a_lost_frame_or_an_uneven_step_is_no_gap(fps: float) -> None:
    uneven = 1 + 0.4 * np.random.default_rng(2).uniform(-1, 1, 79)
    uneven[[10, 40]] += 1
    stamps = np.concatenate([[0], np.cumsum(uneven)]) / fps
    assert prepare(replace(cine(fps=fps), timestamps_s=stamps), RESAMPLE).notes == ()


@pytest.mark.slow
def test_resampling_keeps_the_limits() -> None:
    slow = cine(fps=None).at_rate(1)
    assert len(prepare(slow, RESAMPLE).frames) == 79 * 50 + 1
    with pytest.raises(InputError, match=r"makes 3951 frames of it.*--max-frames"):
        prepare(slow, RESAMPLE, limits=DecodeLimits(frames=3950))
    with pytest.raises(InputError, match=r"more than 100 MB: .*--max-mb"):
        prepare(slow, RESAMPLE, limits=DecodeLimits(megabytes=100))
    # Decoded frames were held to them already.
    assert len(prepare(cine(), RESAMPLE, limits=DecodeLimits(frames=10)).frames) == 80
