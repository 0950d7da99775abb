"""Skill: when a gain over the best constant counts, and what a bundle says of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from edgeecho.bundle import DEMO, Skill, open_model, read_manifest, render_card
from edgeecho.bundle.skill import LEAST_VIDEOS, newest, warn_of
from edgeecho.common.bootstrap import bootstrap_mean
from edgeecho.common.errors import ModelError
from edgeecho.common.seal import sealed

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"
SKILL = Skill(n=60, mae=4.0, mae_of_constant=16.0, low=11.0, data="VAL videos of: hearts", how="x")
NONE = replace(SKILL, mae=16.5, low=-1.25)
FEW = replace(SKILL, n=49)
EVALUATE = "`edgeecho evaluate DATA --model BUNDLE --record`"


def measured(predicted: np.ndarray, truth: np.ndarray) -> Skill:
    return Skill.of(predicted, truth, data="VAL videos of: hearts", how="by hand")


def test_numbers_of_a_case_done_by_hand() -> None:
    truth = np.array([20.0, 40.0, 50.0, 60.0, 90.0])
    found = measured(np.array([25.0, 40.0, 40.0, 63.0, 92.0], np.float32), truth)
    # Errors 5, 0, 10, 3 and 2; of always answering 50: 30, 10, 0, 10 and 40.
    assert (found.n, found.mae, found.mae_of_constant, found.gain) == (5, 4, 18, 14)
    assert -10 < found.low < 14
    assert found == measured(np.array([25.0, 40.0, 40.0, 63.0, 92.0]), truth), "seeded"


@pytest.mark.parametrize("level", [-1e-3, 0.0, 1e-3])
def test_the_lower_bound_must_be_above_zero(level: float) -> None:
    truth = np.tile([40.0, 60.0], 25)
    # Always answering 50 is off by 10 each time, and this by 10 less `level`.
    found = measured(truth - 10 + level, truth)
    assert found.low == pytest.approx(level, abs=1e-12)
    assert found.enough
    assert found.shown == (level > 0)


def test_fifty_videos_tell_and_forty_nine_do_not() -> None:
    rng = np.random.default_rng(1)
    truth = rng.uniform(10, 80, LEAST_VIDEOS)
    predicted = truth + rng.normal(0, 4, LEAST_VIDEOS)
    enough, few = measured(predicted, truth), measured(predicted[1:], truth[1:])
    assert (enough.n, enough.shown, warn_of(enough)) == (50, True, ())
    assert (few.n, few.enough, few.shown) == (49, False, False)
    assert few.low > 0
    (warning,) = warn_of(few)
    assert warning.startswith(
        "this model's skill is not known, which takes 50 videos: on 49 labelled videos that it "
        f"was not trained on its MAE is {few.mae:.2f} EF points, that of always answering their "
        f"median {few.mae_of_constant:.2f} (gain {few.gain:+.2f}, lower bound {few.low:+.2f}): "
    )
    assert warning.endswith(f"{EVALUATE} measures it")


@pytest.mark.slow
def test_no_constant_has_skill_not_even_one_that_certainly_beats_the_mean() -> None:
    # Skewed, as EFs of patients are. A network that was trained on absolute errors and learnt
    # nothing answers the median.
    truth = np.repeat([60.0, 30.0], [70, 30])
    over_mean = np.abs(truth - truth.mean()) - np.abs(truth - np.median(truth))
    assert bootstrap_mean(over_mean).low > 2
    for constant in (60.0, 60.0001, 59.9999, truth.mean()):
        found = measured(np.full(100, constant, np.float32), truth)
        assert (found.enough, found.shown) == (True, False), constant


def test_noise_without_skill_says_its_numbers_and_asks_for_nothing() -> None:
    (warning,) = warn_of(NONE)
    assert warning == (
        "this model has shown no skill: on 60 labelled videos that it was not trained on its MAE "
        "is 16.50 EF points, that of always answering their median 16.00 (gain -0.50, lower bound "
        "-1.25); its EF may say nothing of the video"
    )
    assert warn_of(None) == (
        "this model's skill was never measured: it may do no better than a constant: "
        f"{EVALUATE} measures it",
    )


def test_the_newest_counts_unless_it_cannot_tell() -> None:
    later = replace(SKILL, n=LEAST_VIDEOS, low=-1.0)
    assert newest(None, FEW) == FEW
    assert newest(FEW, later) == later
    assert newest(SKILL, later) == later
    assert newest(SKILL, FEW) == SKILL
    assert newest(FEW, replace(FEW, n=3)) == replace(FEW, n=3)


@pytest.mark.parametrize("skill", [SKILL, NONE, FEW, None])
def test_manifest_model_and_card_say_it(skill: Skill | None, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(NARROW, tmp_path / "bundle"))
    manifest = replace(read_manifest(bundle), skill=skill)
    (bundle / "manifest.json").write_text(json.dumps(manifest.to_dict()))
    assert read_manifest(bundle) == manifest
    assert open_model(bundle).skill == skill
    card = render_card(manifest)
    above, _, section = card.partition("\n## Skill\n\n")
    head = above.partition("\n## ")[0]
    assert [f"**Warning:** {w}." in head for w in warn_of(skill)] == [True] * len(warn_of(skill))
    assert ("**Warning:**" in card) == (skill is not SKILL)
    if skill is None:
        assert section.startswith(f"Not measured yet: {EVALUATE}.\n")
    else:
        assert section.startswith(
            f"MAE {skill.mae:.2f} EF points on {skill.n} VAL videos of: hearts (x); that of always "
            "answering their median EF, the best constant: 16.00. The gain is "
            f"{skill.gain:+.2f}, with a lower bound of {skill.low:+.2f} "
        )


@pytest.mark.parametrize(
    "change", [{"n": "60"}, {"low": float("inf")}, {"mae": None}, {"surprise": 1}, {"how": ["x"]}]
)
def test_a_skill_of_another_form_is_one_line(change: dict[str, object], tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(NARROW, tmp_path / "bundle"))
    value = json.loads((bundle / "manifest.json").read_text())
    value["skill"] = {**asdict(SKILL), **change}
    (bundle / "manifest.json").write_text(json.dumps(sealed(value)))
    with pytest.raises(ModelError, match="manifest is incomplete or malformed"):
        open_model(bundle)


@pytest.mark.parametrize("bundle", [DEMO, NARROW], ids=["demo", "narrow"])
def test_our_own_models_have_shown_skill_and_warn_of_nothing(bundle: Path) -> None:
    manifest = read_manifest(bundle)
    assert manifest.skill is not None
    assert manifest.skill.n >= 150
    assert manifest.skill.shown
    card = (bundle / "model-card.md").read_text(encoding="utf-8")
    assert card == render_card(manifest)
    assert "**Warning:**" not in card


def test_an_evaluation_of_nothing_is_a_bug() -> None:
    with pytest.raises(ValueError, match=r"expected two \(n,\) arrays"):
        measured(np.zeros(0), np.zeros(0))
    with pytest.raises(ValueError, match=r"expected two \(n,\) arrays"):
        measured(np.zeros(3), np.zeros((3, 1)))
