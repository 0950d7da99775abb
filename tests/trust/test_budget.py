"""All gates together refuse at most 2 % of clean videos: how that is divided, counted on others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from measured import GOOD

from edgeecho.trust import TracedSignals, refuse
from edgeecho.trust.learned_gates import LEARNED
from edgeecho.trust.texture import SIZE
from edgeecho_calibration.trust_budget import BUDGET, Budget, threshold
from edgeecho_calibration.trust_fit import divide, fit_trust
from edgeecho_calibration.trust_kept import LabelledAnswer, RunIdentity
from edgeecho_calibration.trust_record import _entry, to_text

GATES = {gate.name: gate for gate in LEARNED}


def clean(n: int, seed: int) -> list[LabelledAnswer]:
    """Videos whose measurements scatter, with tails as heavy as those of a t distribution of 9."""
    rng, grain = np.random.default_rng(seed), np.random.default_rng((seed, 1))
    found = []
    for number in range(n):
        a, b, c, d, e = rng.standard_t(9, 5)
        signals = replace(
            GOOD,
            lit=float(np.clip(0.5 + 0.05 * a, 0.11, 1)),
            contrast=100 + 10 * b,
            clip_sd=float(np.exp(0.3 * c)),
            # One in 200 does not move.
            moves=0.0 if rng.random() < 0.005 else 10.0,
            statistics=rng.normal(100, 5, 7).astype(np.float32),
            picture=rng.normal(3, 0.4, 8).astype(np.float32),
            texture=grain.normal(size=SIZE).astype(np.float32),
            embedding=rng.normal(size=4).astype(np.float32),
            ef=50 + 3 * d,
            traced=TracedSignals(50 + 3 * e, None),
        )
        found.append(LabelledAnswer(str(number), 50.0, {"one": (50 + 3 * d, signals)}))
    return found


def test_of_clean_videos_that_chose_nothing_at_most_2_percent_are_refused() -> None:
    others = clean(1000, seed=0)
    shares, disagree = [], []
    for seed in range(1, 4):
        trust = fit_trust(
            clean(520, seed), level=0.9, least=500, precision="fp32", domain="phantoms"
        )
        refused = [refuse(one.by_mode["one"][1], trust) for one in others]
        shares.append(np.mean([bool(gates) for gates in refused]))
        named = [{refusal.gate for refusal in gates} for gates in refused]
        disagree.append(np.mean(["answers-disagree" in gates for gates in named]))
    # On average over calibration sets, which is all that is promised.
    assert np.mean(shares) <= BUDGET
    # The gate that has a share uses it.
    assert np.mean(disagree) > BUDGET / 10


def test_what_others_refuse_is_taken_from_the_budget() -> None:
    answered = clean(520, seed=9)
    budget = divide(answered)
    still = sum(one.by_mode["one"][1].moves == 0 for one in answered)
    assert (budget.videos, budget.fixed) == (520, still)
    assert still > 0
    assert budget.left == pytest.approx(BUDGET - (still + budget.extreme + 1) / 521)
    assert Budget(520, 12, 0).left == 0


def test_a_video_beyond_all_others_at_two_gates_is_counted_once() -> None:
    signals = clean(1, seed=2)[0].by_mode["one"][1]
    same = [LabelledAnswer(str(i), 50.0, {"one": (50.0, signals)}) for i in range(20)]
    assert divide(same) == Budget(20, 0, 0)
    odd = replace(signals, contrast=1.0, clip_sd=99.0)
    same[7] = replace(same[7], by_mode={"one": (50.0, odd)})
    assert divide(same) == Budget(20, 0, 1)


def test_the_division_is_recorded_and_told() -> None:
    answered = clean(520, seed=4)
    trust = fit_trust(answered, level=0.9, least=500, precision="fp32", domain="phantoms")
    source = RunIdentity("data", "1", "VAL", "2", "3", "fp32", "openvino 1", "one", "0.1.0", "4")
    budget = divide(answered)
    entry = _entry(trust, "5", source, budget)
    assert entry["segmentation_sha256"] == "4"
    refused = entry["refused"]
    assert (refused["fixed"], refused["extreme"]) == (budget.fixed, budget.extreme)
    assert f"{budget.left:.2%} is left for answers-disagree" in to_text(entry)


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, 99 * 1.2), (0.009, 99 * 1.2), (0.011, 99), (0.021, 98), (0.101, 90)],
)
def test_a_share_is_a_rank_among_the_videos(share: float, expected: float) -> None:
    values = [float(value) for value in np.random.default_rng(0).permutation(100)]
    assert threshold(GATES["answers-disagree"], values, share) == pytest.approx(expected)


def test_a_minimum_is_counted_from_below() -> None:
    values = [float(value) for value in range(1, 101)]
    assert threshold(GATES["low-contrast"], values, 0.0) == pytest.approx(1 / 1.2)
    assert threshold(GATES["low-contrast"], values, 0.021) == 2
