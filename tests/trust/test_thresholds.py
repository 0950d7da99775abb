"""Every gate just below its threshold and just above it, on made-up measurements."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import measured
import numpy as np
import pytest

from edgeecho.beats import NoBeats
from edgeecho.trust import ShapeSignals, Signals, TimeSignals, TracedSignals, Trust, refuse
from edgeecho.trust.learned_gates import LEARNED
from edgeecho.trust.picture import GRID
from edgeecho.trust.space import Space
from edgeecho.trust.texture import SIZE

PICTURE = 2 * GRID * GRID


def picture(changing: float) -> np.ndarray:
    """The same in every cell, which changes by this share of its brightness."""
    mean = np.full(GRID * GRID, 92.0)
    return np.log1p(np.concatenate([mean, changing * (mean + 8)]) / 4).astype(np.float32)


TIME = TimeSignals(disorder=0.0, turn=2.0, comb=0.1, jump=0.5, arrow=np.full(10, 0.1, np.float32))
SHAPE = ShapeSignals(lopsided=0.0, aspect=1.0, half_angle=40.0)
GOOD = replace(
    measured.GOOD,
    frames=1000,
    window=1000,
    why_no_rate="the file does not say its frame rate",
    video_s=4.0,
    picture=picture(0.5),
    clip_sd=2.0,
    embedding=np.zeros(4, np.float32),
    time=TIME,
    shape=SHAPE,
)
"""Measurements of a good video; its clips span 1,000 frames, so that a share is exact."""


def gates(signals: Signals, trust: Trust | None = None) -> list[str]:
    return [refusal.gate for refusal in refuse(signals, trust)]


def test_good_measurements_pass_every_gate() -> None:
    assert gates(GOOD) == []


@pytest.mark.parametrize(
    ("gate", "bad", "good"),
    [
        ("too-short", {"frames": 599}, {"frames": 600}),
        ("under-one-beat", {"beats_per_clip": 0.749}, {"beats_per_clip": 0.75}),
        ("implausible-rate", {"fps": 14.99}, {"fps": 15.0}),
        ("implausible-rate", {"fps": 150.01}, {"fps": 150.0}),
        ("sector", {"lit": 0.0999}, {"lit": 0.1}),
        ("frozen", {"moves": 1.999}, {"moves": 2.0}),
        ("few-frames-decoded", {"sound": 0.749}, {"sound": 0.75}),
        ("repeated-frames", {"repeated": 0.401}, {"repeated": 0.4}),
        (
            "frames-out-of-order",
            {"time": replace(TIME, disorder=0.231)},
            {"time": replace(TIME, disorder=0.23)},
        ),
        ("to-and-fro", {"time": replace(TIME, turn=0.399)}, {"time": replace(TIME, turn=0.4)}),
        (
            "blended-frames",
            {"time": replace(TIME, comb=0.381)},
            {"time": replace(TIME, comb=0.379)},
        ),
        ("cut", {"time": replace(TIME, jump=1.81)}, {"time": replace(TIME, jump=1.8)}),
        (
            "lopsided",
            {"shape": replace(SHAPE, lopsided=0.241)},
            {"shape": replace(SHAPE, lopsided=0.24)},
        ),
        ("flickering", {"flicker": 0.601}, {"flicker": 0.6}),
        ("implausible-heart-rate", {"heart_rate_bpm": 180.1}, {"heart_rate_bpm": 180.0}),
        ("inverted", {"bright_changes": -0.201}, {"bright_changes": -0.2}),
        (
            "squeezed",
            {"shape": replace(SHAPE, aspect=0.779)},
            {"shape": replace(SHAPE, aspect=0.78)},
        ),
        (
            "squeezed",
            {"shape": replace(SHAPE, aspect=1.281)},
            {"shape": replace(SHAPE, aspect=None)},
        ),
        (
            "no-period",
            {"heart_rate_bpm": None, "video_s": 3.0},
            {"heart_rate_bpm": None, "video_s": 2.999},
        ),
    ],
)
def test_a_fixed_gate_refuses_from_its_threshold_on_and_no_earlier(
    gate: str, bad: dict[str, Any], good: dict[str, Any]
) -> None:
    assert gates(replace(GOOD, **bad)) == [gate]
    assert gates(replace(GOOD, **good)) == []


def test_what_is_unknown_is_refused_by_its_own_gate_alone() -> None:
    unknown = replace(GOOD, fps=None, video_s=None, heart_rate_bpm=None, beats_per_clip=None)
    assert gates(unknown) == ["unknown-rate"]
    assert gates(replace(GOOD, heart_rate_bpm=None, video_s=None)) == []
    assert gates(replace(GOOD, fps_doubt="two rates")) == ["contradictory-rate"]


def test_another_view_is_refused_with_what_declares_it() -> None:
    (refusal,) = refuse(replace(GOOD, other_view="subcostal (ProtocolName)"), None)
    assert refusal.gate == "other-view"
    assert ": subcostal (ProtocolName); " in refusal.reason


@pytest.mark.parametrize(
    ("reason", "refused"),
    [
        ("no mask", ["no-ventricle"]),
        ("still", ["still-ventricle"]),
        ("no beat", ["no-traced-beat"]),
        ("no whole beat", []),
        ("mask at the sector's edge", ["ventricle-cut"]),
        ("implausible volumes", []),
    ],
)
def test_of_the_reasons_for_no_beat_those_that_no_clean_video_has_refuse(
    reason: NoBeats, refused: list[str]
) -> None:
    assert gates(replace(GOOD, traced=TracedSignals(None, reason))) == refused


def test_where_beats_were_traced_no_other_period_is_asked_for() -> None:
    unseen = replace(GOOD, heart_rate_bpm=None, beats_per_clip=None)
    assert gates(unseen) == ["no-period"]
    assert gates(replace(unseen, traced=TracedSignals(50.0, None))) == []
    assert gates(replace(unseen, traced=TracedSignals(None, "no whole beat"))) == ["no-period"]


def along(d: int, by: float) -> np.ndarray:
    """`(d,)` that lies `by` away from a unit space."""
    return np.full(d, by, np.float32)


def unit_space(d: int) -> Space:
    axes = np.eye(d, dtype=np.float32)
    zeros, ones = np.zeros(d, np.float32), np.ones(d, np.float32)
    return Space(zeros, ones, axes[:1], ones[:1], 1.0)


LEARNED_EDGES: dict[str, tuple[float, dict[str, Any], dict[str, Any]]] = {
    "sector/least": (0.3, {"lit": 0.299}, {"lit": 0.3}),
    "sector/most": (0.7, {"lit": 0.701}, {"lit": 0.7}),
    "frozen/share": (0.2, {"picture": picture(0.199)}, {"picture": picture(0.201)}),
    "low-contrast": (40.0, {"contrast": 39.9}, {"contrast": 40.0}),
    "clip-spread": (3.0, {"clip_sd": 3.01}, {"clip_sd": 3.0}),
    # Towards the mean of the space, or away from it.
    "backwards": (1.0, {"time": replace(TIME, arrow=along(10, -0.1))}, {"time": TIME}),
    "squeezed/least": (
        30.0,
        {"shape": replace(SHAPE, half_angle=29.9)},
        {"shape": replace(SHAPE, half_angle=30.0)},
    ),
    "squeezed/most": (
        45.0,
        {"shape": replace(SHAPE, half_angle=45.1)},
        {"shape": replace(SHAPE, half_angle=None)},
    ),
    "far-statistics": (2.0, {"statistics": along(7, 2.01)}, {"statistics": along(7, 1.99)}),
    "far-picture": (2.0, {"picture": along(PICTURE, 2.01)}, {"picture": along(PICTURE, 1.99)}),
    "far-texture": (2.0, {"texture": along(SIZE, 2.01)}, {"texture": along(SIZE, 1.99)}),
    "far-embedding": (2.0, {"embedding": along(4, 2.01)}, {"embedding": along(4, 1.99)}),
    "answers-disagree": (
        12.0,
        {"ef": 47.9, "traced": TracedSignals(60.0, None)},
        {"ef": 72.0, "traced": TracedSignals(60.0, None)},
    ),
}
"""By gate: its threshold, and measurements on either side of it."""


def learned(**limits: float) -> Trust:
    sizes = {"statistics": 7, "picture": PICTURE, "texture": SIZE, "embedding": 4}
    spaces = {name: (unit_space(d),) for name, d in sizes.items()}
    spaces["arrow"] = (replace(unit_space(10), mean=along(10, 0.1)),)
    return Trust(0.9, "fp32", "phantoms", {}, {}, {}, spaces, limits, {})


@pytest.mark.parametrize("name", [gate.name for gate in LEARNED])
def test_a_learned_gate_refuses_beyond_its_threshold_and_no_earlier(name: str) -> None:
    limit, bad, good = LEARNED_EDGES[name]
    trust = learned(**{name: limit})
    assert gates(replace(GOOD, **bad), trust) == [name.partition("/")[0]]
    assert gates(replace(GOOD, **good), trust) == []


def test_a_learned_gate_is_passed_by_what_is_unknown() -> None:
    trust = learned(**{"clip-spread": 3.0, "far-embedding": 2.0, "answers-disagree": 5.0})
    assert gates(replace(GOOD, clip_sd=None, embedding=None, ef=50.0), trust) == []
    none = TracedSignals(None, "no whole beat")
    assert gates(replace(GOOD, ef=50.0, traced=none), trust) == []


def test_of_two_reasons_under_one_name_the_one_without_calibration_is_given() -> None:
    found = refuse(replace(GOOD, lit=0.05), learned(**{"sector/least": 0.3}))
    assert [r.gate for r in found] == ["sector"]
    assert "of a sector at least 10%" in found[0].reason
