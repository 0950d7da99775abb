"""What is fitted to the answers for the calibration videos, on answers that are made up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import measured
import numpy as np
import pytest

from edgeecho.common.errors import InputError
from edgeecho.preprocess import ClipMode
from edgeecho.trust import ShapeSignals, TimeSignals, TracedSignals
from edgeecho.trust.learned_gates import LEARNED
from edgeecho_calibration.trust import modes_from
from edgeecho_calibration.trust_fit import fit_space, fit_trust
from edgeecho_calibration.trust_kept import LabelledAnswer, RunIdentity, append, read

GOOD = replace(measured.GOOD, embedding=np.zeros(2, np.float32))


def values(n: int, d: int) -> np.ndarray:
    return np.random.default_rng(5).normal(3, 1, (n, d)) * np.arange(1, d + 1)


@pytest.mark.parametrize(
    ("name", "floor"), [("statistics", 2.0), ("picture", 0.3), ("embedding", None)]
)
def test_a_space_is_the_mean_and_the_spread_with_a_floor(name: str, floor: float | None) -> None:
    data = values(50, 4)
    sd = data.std(axis=0, ddof=1)
    floor = floor or 0.1 * np.sqrt((sd**2).mean())
    space = fit_space(data, name)
    assert space.mean == pytest.approx(data.mean(axis=0), rel=1e-5)
    assert space.scale == pytest.approx(np.sqrt(sd**2 + floor**2), rel=1e-5)
    # All directions together have the variances of the scaled values: their sum is d.
    total = space.variances.sum() + space.rest * (4 - len(space.variances))
    assert total == pytest.approx(4, rel=1e-5)


def test_a_spaces_directions_are_those_of_the_largest_variances() -> None:
    data = values(50, 4)
    data[:, 1] = 2 * data[:, 0]
    space = fit_space(data, "statistics")
    covariance = np.cov(data.T) + 4 * np.eye(4)
    scale = np.sqrt(np.diagonal(covariance))
    variances, directions = np.linalg.eigh(covariance / np.outer(scale, scale))
    assert space.variances == pytest.approx(variances[1:], rel=1e-5)
    assert np.abs(space.directions) == pytest.approx(np.abs(directions[:, 1:].T), abs=1e-5)
    assert space.rest == pytest.approx(variances[0], rel=1e-5)


@pytest.mark.parametrize(
    ("n", "d", "k"), [(4, 6, 1), (9, 6, 1), (10, 6, 2), (200, 6, 5), (200, 40, 16), (79, 40, 15)]
)
def test_a_space_has_a_fifth_of_the_videos_and_at_most_16_directions(
    n: int, d: int, k: int
) -> None:
    assert fit_space(values(n, d), "statistics").directions.shape == (k, d)


def test_values_that_never_vary_and_a_single_video_still_make_a_space() -> None:
    same = fit_space(np.ones((9, 3)), "embedding")
    assert same.scale == pytest.approx(1e-6)
    one = fit_space(np.ones((1, 3)), "statistics")
    assert one.scale == pytest.approx(2)


def answers(n: int = 12, **changed: Any) -> list[LabelledAnswer]:
    """Video `i`: EF 50, answered `i` too low by stride:16 and `2 i` by center."""
    found = []
    for i in range(n):
        signals = replace(
            GOOD, lit=0.4 + 0.01 * i, contrast=50.0 + i, clip_sd=1.0 + 0.1 * i, **changed
        )
        found.append(
            LabelledAnswer(
                str(i), 50.0, {"stride:16": (50.0 - i, signals), "center": (50.0 - 2 * i, signals)}
            )
        )
    return found


def test_the_interval_is_that_of_the_residuals() -> None:
    trust = fit_trust(answers(), level=0.8, least=12, precision="int8", domain="phantoms")
    assert (trust.level, trust.precision) == (0.8, "int8")
    assert list(trust.residuals["stride:16"]) == list(range(12))
    assert list(trust.residuals["center"]) == list(range(0, 24, 2))
    # ceil(13 x 0.8) is the 11th of 12.
    assert trust.half_widths == {"stride:16": 10, "center": 20}
    assert set(trust.spaces) == {"statistics", "picture", "texture", "embedding"}


def test_thresholds_are_a_fifth_beyond_the_most_extreme_video() -> None:
    limits = fit_trust(answers(), level=0.8, least=12, precision="int8", domain="phantoms").limits
    assert limits["sector/least"] == pytest.approx(0.4 / 1.2)
    assert limits["sector/most"] == pytest.approx(0.51 * 1.2)
    assert limits["low-contrast"] == pytest.approx(50 / 1.2)
    assert limits["clip-spread"] == pytest.approx(2.1 * 1.2)
    unknown = {"answers-disagree", "backwards", "squeezed/least", "squeezed/most"}
    assert set(limits) == {gate.name for gate in LEARNED} - unknown


def test_time_and_shape_have_thresholds_where_they_are_known() -> None:
    arrows = np.random.default_rng(1).normal(0.1, 0.02, (12, 10)).astype(np.float32)
    found = [
        changed(
            one,
            time=TimeSignals(0.0, 2.0, 0.1, 0.5 + 0.01 * i, arrow) if i else None,
            shape=ShapeSignals(0.0, None, 40.0 + i),
        )
        for i, (one, arrow) in enumerate(zip(answers(), arrows, strict=True))
    ]
    trust = fit_trust(found, level=0.8, least=12, precision="int8", domain="phantoms")
    (space,) = trust.spaces["arrow"]
    assert space.mean == pytest.approx(arrows[1:].mean(axis=0), rel=1e-5)
    assert trust.limits["squeezed/least"] == pytest.approx(40 / 1.2)
    assert trust.limits["squeezed/most"] == pytest.approx(51 * 1.2)
    # All lie far nearer to the others than to their mirror images.
    assert 0 < trust.limits["backwards"] < 0.5


def test_a_gate_that_no_video_has_a_value_for_has_no_threshold() -> None:
    found = [
        replace(
            one,
            by_mode={m: (ef, replace(s, clip_sd=None)) for m, (ef, s) in one.by_mode.items()},
        )
        for one in answers()
    ]
    limits = fit_trust(found, level=0.8, least=12, precision="int8", domain="phantoms").limits
    assert "clip-spread" not in limits


def test_a_distance_is_measured_from_the_other_four_fifths() -> None:
    found = answers(10)
    for i, one in enumerate(found):
        odd = np.full(7, 40.0 if i == 3 else i, np.float32)
        found[i] = replace(
            one,
            by_mode={m: (ef, replace(s, statistics=odd)) for m, (ef, s) in one.by_mode.items()},
        )
    limit = fit_trust(found, level=0.8, least=5, precision="fp32", domain="phantoms").limits[
        "far-statistics"
    ]
    rest = [i for i in range(10) if i % 5 != 3]
    data = np.array([np.full(7, i) for i in rest], float)
    expected = fit_space(data, "statistics").distance(np.full(7, 40.0))
    assert limit == pytest.approx(1.2 * expected, rel=1e-5)


def test_videos_that_a_fixed_gate_refuses_are_left_out() -> None:
    found = answers()
    modes = found[11].by_mode
    found[11] = replace(
        found[11], by_mode={m: (ef, replace(s, moves=0.0)) for m, (ef, s) in modes.items()}
    )
    trust = fit_trust(found, level=0.8, least=11, precision="int8", domain="phantoms")
    assert len(trust.residuals["center"]) == 11
    with pytest.raises(InputError, match="11 of 12 videos can be used and --least asks for 12"):
        fit_trust(found, level=0.8, least=12, precision="int8", domain="phantoms")


def test_too_few_for_the_level_is_one_line() -> None:
    with pytest.raises(InputError, match="give more videos or a lower --level"):
        fit_trust(answers(), level=0.95, least=5, precision="int8", domain="phantoms")


@pytest.mark.parametrize(
    ("finest", "modes"),
    [
        ("all", "all stride:2 stride:4 stride:8 stride:16 stride:32 stride:64 center one"),
        ("stride:16", "stride:16 stride:32 stride:64 center one"),
        ("stride:24", "stride:24 stride:48 center one"),
        ("stride:64", "stride:64 center one"),
        ("stride:100", "stride:100 center one"),
        ("center", "center one"),
        ("one", "one"),
    ],
)
def test_a_run_answers_every_mode_of_fewer_clips(finest: str, modes: str) -> None:
    assert " ".join(map(str, modes_from(ClipMode.parse(finest)))) == modes


def changed(one: LabelledAnswer, **signals: Any) -> LabelledAnswer:
    by_mode = {m: (ef, replace(s, **signals)) for m, (ef, s) in one.by_mode.items()}
    return replace(one, by_mode=by_mode)


SOURCE = RunIdentity("data", "1", "VAL", "2", "3", "fp32", "openvino 1", "stride:16", "0.1.0", None)


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    keep = tmp_path / "kept.jsonl"
    assert read(keep, SOURCE) == {}
    keep.touch()
    assert read(keep, SOURCE) == {}
    first, second = answers(2, embedding=np.array([1, 2], np.float32))
    append(keep, SOURCE, first)
    append(keep, SOURCE, second)
    lines = keep.read_text().splitlines()
    assert len(lines) == 3
    assert json.loads(lines[0])["source"]["split"] == "VAL"
    found = read(keep, SOURCE)
    assert list(found) == ["0", "1"]
    assert found["1"].ef == 50
    ef, signals = found["1"].by_mode["center"]
    assert (ef, signals.clip_sd, signals.lit) == (48, 1.1, pytest.approx(0.41))
    assert signals.embedding is not None
    assert signals.embedding.tolist() == [1, 2]
    assert signals.picture.dtype == np.float32


def test_half_a_line_is_cut_off_and_another_runs_answers_are_refused(tmp_path: Path) -> None:
    keep = tmp_path / "kept.jsonl"
    for one in answers(2):
        append(keep, SOURCE, one)
    whole = keep.read_bytes()
    keep.write_bytes(whole + b'{"video": "2", "ef"')
    assert list(read(keep, SOURCE)) == ["0", "1"]
    assert keep.read_bytes() == whole
    with pytest.raises(InputError, match="is of another model, data set or version"):
        read(keep, replace(SOURCE, split="TEST"))
    keep.write_bytes(b"text\n")
    with pytest.raises(InputError, match="is not what `calibrate trust` keeps"):
        read(keep, SOURCE)


def test_time_and_shape_are_kept_too(tmp_path: Path) -> None:
    keep = tmp_path / "kept.jsonl"
    time = TimeSignals(0.01, 2.0, 0.1, 0.5, np.arange(10, dtype=np.float32))
    shape = ShapeSignals(0.1, None, 40.0)
    (one,) = answers(1, embedding=np.zeros(2))
    append(keep, SOURCE, changed(one, time=time, shape=shape))
    (found,) = read(keep, SOURCE).values()
    signals = found.by_mode["center"][1]
    assert signals.shape == shape
    assert signals.time is not None
    assert (signals.time.turn, signals.time.jump) == (2.0, 0.5)
    assert signals.time.arrow.tolist() == list(range(10))


def test_what_the_masks_say_is_kept_too(tmp_path: Path) -> None:
    keep = tmp_path / "kept.jsonl"
    said = TracedSignals(None, "no whole beat"), TracedSignals(52.0, None)
    for one, traced in zip(answers(2, embedding=np.zeros(2)), said, strict=True):
        append(keep, SOURCE, changed(one, traced=traced))
    first, second = read(keep, SOURCE).values()
    assert first.by_mode["center"][1].traced == said[0]
    # The network's EF is that of the mode: 49 from stride:16 and 48 from center.
    assert second.by_mode["stride:16"][1].disagreement == 3
    assert second.by_mode["center"][1].disagreement == 4
