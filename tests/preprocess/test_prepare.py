from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from edgeecho.cine import Cine, Region, read_cine
from edgeecho.errors import InputError, ModelError, UsageError
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
