from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flicker import flickering_cine

from edgeecho.bundle import Skill
from edgeecho.bundle.skill import warn_of
from edgeecho.cine import Cine, read_cine
from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.common.errors import EdgeEchoError, EngineError, UsageError
from edgeecho.engines import Outputs
from edgeecho.inference import EFEstimate, LoadedModel, estimate, estimate_file, load_model
from edgeecho.preprocess import (
    ClipMode,
    Handling,
    PreprocessSpec,
    clip_starts,
    gather_clips,
    normalise,
    pad_short,
)

pytestmark = pytest.mark.slow


@pytest.mark.slow
def test_ef_is_the_mean_of_the_clips_run_one_by_one() -> None:
    model = load_model()  # one that was trained for longer, whose answers differ more
    spec = model.file.preprocess
    video = flickering_cine(80)
    answer = estimate(video, model, clips="stride:4")
    prepared = pad_short(normalise(video.frames, spec), spec)
    starts = clip_starts(80, spec, ClipMode("stride", 4))
    single = [float(model.engine.run(gather_clips(prepared, s[None], spec)).ef[0]) for s in starts]
    # Far more than the tolerance below, and no two are alike.
    assert np.diff(sorted(single)).min() > 0.05
    assert abs(np.mean(single) - np.median(single)) > 0.1
    assert answer.clip_starts == tuple(starts)
    assert answer.clip_efs == pytest.approx(single, abs=1e-3)
    assert answer.ef == pytest.approx(np.mean(single), abs=1e-3)
    assert answer.sd == pytest.approx(np.std(single, ddof=1), abs=1e-3)


def test_a_single_clip_has_no_spread(model: LoadedModel) -> None:
    answer = estimate(flickering_cine(80), model, clips="center")
    assert len(answer.clip_efs) == 1
    assert answer.sd is None


@pytest.mark.slow
def test_a_fitting_clip_gives_no_warning(model: LoadedModel, phantoms: Path) -> None:
    answers = [estimate_file(path, model) for path in sorted((phantoms / "Videos").iterdir())]
    # That its skill and its uncertainty were not measured, this model says of every video.
    quiet = [answer for answer in answers if len(answer.warnings) == 2]
    assert quiet
    # Phantoms at 25 to 80 frames/s: some hold less than a beat, or are far from training's rate.
    assert len(quiet) < len(answers)


def test_every_answer_of_a_model_without_skill_says_so_and_is_not_refused_for_it(
    model: LoadedModel,
) -> None:
    shown = Skill(n=60, mae=4.0, mae_of_constant=16.0, low=11.0, data="VAL videos", how="by hand")
    skills = (shown, replace(shown, low=0.0), replace(shown, n=49), None)
    of = {s: replace(model, file=replace(model.file, skill=s)) for s in skills}
    answers = {s: estimate(flickering_cine(80), m, clips="center") for s, m in of.items()}
    for skill, answer in answers.items():
        assert answer.warnings == (*warn_of(skill), *answers[shown].warnings)
        assert len(warn_of(skill)) == (skill is not shown)
        assert (answer.ef, answer.refusals) == (answers[shown].ef, answers[shown].refusals)


def test_the_answer_says_what_was_done_to_the_video(model: LoadedModel, phantoms: Path) -> None:
    answer = estimate_file(sorted((phantoms / "Videos").iterdir())[0], model, clips="stride:2")
    facts = answer.video
    assert (facts.container, facts.codec, facts.width, facts.height) == ("avi", "MJPG", 112, 112)
    assert (facts.frames, facts.area, facts.square, facts.time) == (70, "whole", None, "native")
    assert facts.fps is not None
    assert facts.clip_s == pytest.approx(63 / facts.fps)
    assert answer.clip_times_s == pytest.approx([s / facts.fps for s in answer.clip_starts])


def test_a_user_may_say_the_rate_and_have_it_resampled(model: LoadedModel, phantoms: Path) -> None:
    path = sorted((phantoms / "Videos").iterdir())[0]
    rate = model.file.preprocess.training_fps
    assert rate is not None
    native = estimate_file(path, model)
    same = estimate_file(path, model, fps=rate, handling=Handling(time="resample"))
    assert same.clip_efs == native.clip_efs
    assert (same.video.fps_source, same.video.time) == ("--fps", f"resample({rate:g})")
    half = estimate_file(path, model, fps=rate / 2, handling=Handling(time="resample"))
    assert len(half.clip_starts) > len(native.clip_starts)
    assert half.video.clip_s == pytest.approx(63 / rate)


def test_not_a_number_is_an_error(model: LoadedModel) -> None:
    class Broken:
        facts = model.engine.facts

        def run(self, clips: np.ndarray) -> Outputs:
            return Outputs(np.full(len(clips), np.nan, np.float32), np.zeros((len(clips), 1)))

    with pytest.raises(EngineError, match="not a number"):
        estimate(flickering_cine(80), replace(model, engine=Broken()), clips="center")


def test_an_unknown_clip_mode_is_a_usage_error(model: LoadedModel) -> None:
    with pytest.raises(UsageError):
        estimate(flickering_cine(80), model, clips="some")


def test_a_file_is_answered_as_its_decoded_frames_are(model: LoadedModel, phantoms: Path) -> None:
    path = sorted((phantoms / "Videos").iterdir())[0]
    from_file = estimate_file(path, model)
    assert from_file.clip_efs == estimate(read_cine(path), model).clip_efs
    assert set(from_file.timings_ms) == {"decode", "preprocess", "engine"}


def test_the_public_names_are_the_documented_ones() -> None:
    import edgeecho

    documented = {
        "RESEARCH_USE": RESEARCH_USE,
        "__version__": VERSION,
        "Cine": Cine,
        "EFEstimate": EFEstimate,
        "EdgeEchoError": EdgeEchoError,
        "LoadedModel": LoadedModel,
        "PreprocessSpec": PreprocessSpec,
        # A module and a function must not fight over one name.
        "estimate": estimate,
        "load_model": load_model,
        "read_cine": read_cine,
    }
    assert sorted(edgeecho.__all__) == sorted(documented)
    for name, thing in documented.items():
        assert getattr(edgeecho, name) is thing
    with pytest.raises(AttributeError, match="no_such_name"):
        edgeecho.no_such_name  # noqa: B018
