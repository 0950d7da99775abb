"""The traced EF beside the network's: what is compared, refused and said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from measured import GOOD
from ventricle import Drawn, beating, traced

from edgeecho.beats import NoBeats
from edgeecho.bundle import EXAMPLE
from edgeecho.dataset import LabelledVideo
from edgeecho.inference import EFEstimate, LoadedModel, estimate_file, load_model
from edgeecho.preprocess import ClipMode
from edgeecho.trust import TracedSignals, Trust, judge
from edgeecho.trust.traced import REFUSED, WARNED
from edgeecho_calibration.trust import _answer

MODE = ClipMode("stride", 16)
HALVES = np.array([48, 52], np.float32)
"""Answers of two clips."""


def trust(**limits: float) -> Trust:
    residuals = {"stride:16": np.zeros(9, np.float32)}
    return Trust(0.8, "fp32", "phantoms", {"stride:16": 5.0}, residuals, {}, {}, limits, {})


CHECKS = trust(**{"answers-disagree": 8.0})


def test_what_the_masks_say_is_added_to_what_the_clips_say() -> None:
    beats = traced(beating(150)).beats
    signals = GOOD.with_clips(HALVES, np.zeros((2, 3), np.float32)).with_traced(beats)
    assert signals.ef == 50
    assert beats.mean_ef is not None
    assert signals.traced == TracedSignals(beats.mean_ef, None)
    assert signals.disagreement == pytest.approx(abs(50 - beats.mean_ef))
    assert replace(signals, ef=None).disagreement is None


def test_without_beats_there_is_a_reason_and_nothing_to_compare() -> None:
    none = traced(np.zeros((150, 112, 112), bool)).beats
    signals = GOOD.with_clips(HALVES, np.zeros((2, 3), np.float32)).with_traced(none)
    assert signals.traced == TracedSignals(None, "no mask")
    assert signals.disagreement is None


def test_the_published_rule_traces_no_ef() -> None:
    beats = traced(beating(150), rule="published").beats
    assert beats.used
    assert GOOD.with_traced(beats).traced is None


@pytest.mark.parametrize("measured", [None, trust(), CHECKS])
def test_a_video_that_cannot_be_checked_is_answered_and_says_so(measured: Trust | None) -> None:
    signals = replace(GOOD, ef=50.0, traced=TracedSignals(None, "no whole beat"))
    found = judge(signals, 50.0, MODE, measured, precision="fp32")
    assert found.refusals == ()
    assert [w for w in found.warnings if "uncertainty" not in w] == [WARNED["no whole beat"]]


def test_every_reason_is_refused_or_warned_of() -> None:
    from typing import get_args

    assert sorted([*REFUSED, *WARNED]) == sorted(get_args(NoBeats))


def test_masks_that_the_calibration_had_not_are_not_compared_and_that_is_said() -> None:
    signals = replace(GOOD, ef=50.0, traced=TracedSignals(64.9, None))
    found = judge(signals, 50.0, MODE, trust(), precision="fp32")
    assert found.refusals == ()
    assert found.interval is not None
    (said,) = found.warnings
    assert "was never measured" in said
    # Without any calibration, the warning is that of all gates.
    (said,) = judge(signals, 50.0, MODE, None, precision="fp32").warnings
    assert "no measured uncertainty" in said


@pytest.mark.parametrize("measured", [None, trust()])
def test_answers_far_apart_are_said_without_a_limit_too(measured: Trust | None) -> None:
    # As of a real heart, before a network that had learnt phantoms: 54 and 90 %.
    signals = replace(GOOD, ef=53.5, traced=TracedSignals(89.7, None))
    found = judge(signals, 53.5, MODE, measured, precision="fp32")
    assert found.refusals == ()
    assert "differ by 36 EF points, so one of them is wrong" in found.warnings[0]


def test_without_the_masks_that_the_calibration_had_that_is_said() -> None:
    (said,) = judge(GOOD, 50.0, MODE, CHECKS, precision="fp32").warnings
    assert "--beats default" in said
    assert judge(GOOD, 50.0, MODE, trust(), precision="fp32").warnings == ()


@pytest.fixture(scope="module")
def model(toy_bundle: Path) -> LoadedModel:
    return load_model(toy_bundle)


def answer(model: LoadedModel, masks: np.ndarray, limit: float) -> EFEstimate:
    known = replace(CHECKS, limits={"answers-disagree": limit})
    model = replace(model, trust=known, masks=Drawn(masks))
    return estimate_file(EXAMPLE, model, clips="center")


def test_an_answer_that_the_masks_contradict_is_refused(model: LoadedModel) -> None:
    frames = estimate_file(EXAMPLE, model, clips="center").video.frames
    masks = beating(frames, size=model.file.preprocess.size)
    seen = answer(model, masks, 1000.0)
    assert not seen.refused
    assert seen.traced is not None
    assert seen.traced.beats.mean_ef is not None
    apart = abs(seen.ef - seen.traced.beats.mean_ef)
    assert not answer(model, masks, apart + 0.01).refused
    refused = answer(model, masks, apart - 0.01)
    assert [refusal.gate for refusal in refused.refusals] == ["answers-disagree"]
    assert f"differ by {apart:.0f} EF points" in refused.refusals[0].reason
    assert refused.interval is None


def test_a_video_without_a_ventricle_is_refused(model: LoadedModel) -> None:
    frames = estimate_file(EXAMPLE, model, clips="center").video.frames
    size = model.file.preprocess.size
    refused = answer(model, np.zeros((frames, size, size), bool), 8.0)
    assert [refusal.gate for refusal in refused.refusals] == ["no-ventricle"]
    assert not any("beat was traced" in warning for warning in refused.warnings)


def test_a_calibration_traces_what_an_answer_traces(model: LoadedModel) -> None:
    frames = estimate_file(EXAMPLE, model, clips="center").video.frames
    masks = beating(frames, size=model.file.preprocess.size)
    shown = answer(model, masks, 1000.0)
    video = LabelledVideo("example", EXAMPLE, 50.0, "VAL", None)
    found = _answer(video, replace(model, masks=Drawn(masks)), [ClipMode("center")])
    ef, signals = found.by_mode["center"]
    assert shown.traced is not None
    assert signals.traced == TracedSignals(shown.traced.beats.mean_ef, None)
    assert (ef, signals.ef) == (shown.ef, shown.ef)
    untraced = _answer(video, model, [ClipMode("center")])
    assert untraced.by_mode["center"][1].traced is None
