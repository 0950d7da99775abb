"""What `calibrate trust` measured is read back as it was written, and nothing else is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import ModelError
from edgeecho.common.files import sha256_file
from edgeecho.preprocess import ClipMode, PreprocessSpec
from edgeecho.trust import Trust, load_trust
from edgeecho.trust.difficulty import Difficulty, Hints
from edgeecho.trust.learned import TRUST_FILE, save_trust
from edgeecho.trust.learned_gates import SPACES
from edgeecho.trust.space import Space

RESIDUALS = np.array([-3, 1, 2], np.float32)
SPACE = Space(
    mean=np.array([1, 2, 3], np.float32),
    scale=np.array([1, 2, 4], np.float32),
    directions=np.eye(3, dtype=np.float32)[:2],
    variances=np.array([4, 9], np.float32),
    rest=0.25,
)
DIFFICULTY = Difficulty(
    mean=np.array([50, 0, 4, 1], np.float32),
    scale=np.array([10, 1, 2, 3], np.float32),
    weights=np.array([0.5, 0, 0, 0], np.float32),
)
TRUST = Trust(
    level=0.9,
    precision="int8",
    domain="phantoms",
    half_widths={"stride:16": 6.0, "center": 8.0},
    residuals={"stride:16": RESIDUALS, "center": -RESIDUALS},
    difficulties={"stride:16": DIFFICULTY},
    spaces={**dict.fromkeys(SPACES, (SPACE,)), "texture": (SPACE, replace(SPACE, rest=0.5))},
    limits={"sector/least": 0.2, "far-picture": 1.5, "far-texture": 1.2},
    edges={"sector/least": 0.3, "far-picture": 1.1},
)
STATED: dict[str, Any] = {
    "file": TRUST_FILE,
    "level": 0.9,
    "precision": "int8",
    "data": "phantoms (seed 1, n 3)",
    "half_width": TRUST.half_widths,
    "thresholds": {**TRUST.limits, "a gate of another version": 1.0},
    "edges": TRUST.edges,
}


def load(folder: Path, **changed: Any) -> Trust | None:
    """What is read of a bundle whose manifest states `STATED`, but for what is changed."""
    save_trust(TRUST, folder / TRUST_FILE)
    return load_saved(folder, **changed)


def load_saved(folder: Path, **changed: Any) -> Trust | None:
    stated = {**STATED, "sha256": sha256_file(folder / TRUST_FILE), **changed}
    spec = PreprocessSpec((32, 32, 32), (50, 50, 50))
    return load_trust(ModelFile(folder / "a.onnx", "", "a", "1", "int8", spec, "", stated))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert found is not None
    assert (found.level, found.precision, found.domain) == (0.9, "int8", "phantoms")
    assert (found.half_widths, found.limits) == (TRUST.half_widths, TRUST.limits)
    assert found.edges == TRUST.edges
    assert {mode: list(v) for mode, v in found.residuals.items()} == {
        "stride:16": [-3, 1, 2],
        "center": [3, -1, -2],
    }
    assert set(found.difficulties) == {"stride:16"}
    for part, value in vars(DIFFICULTY).items():
        assert vars(found.difficulties["stride:16"])[part].tolist() == value.tolist()
    # Those of the gates that have a threshold.
    assert set(found.spaces) == {"picture", "texture"}
    for name in ("mean", "scale", "directions", "variances"):
        assert getattr(found.spaces["picture"][0], name).tolist() == getattr(SPACE, name).tolist()
    assert [space.rest for space in found.spaces["picture"]] == [0.25]
    assert [space.rest for space in found.spaces["texture"]] == [0.25, 0.5]


def test_the_interval_is_that_of_the_mode_or_of_fewer_clips(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert found is not None
    for mode, half in (("stride:16", 6), ("stride:8", 8), ("center", 8)):
        interval = found.interval(ClipMode.parse(mode), Hints(50.0, None, None, None))
        assert interval is not None
        assert (interval.low, interval.high, interval.level) == (50 - half, 50 + half, 0.9)
    assert found.interval(ClipMode("one"), Hints(50.0, None, None, None)) is None


def test_the_interval_is_as_wide_as_the_video_is_hard(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert found is not None
    for ef, logarithm in ((60.0, 0.5), (40.0, -0.5), (75.0, 1.0), (90.0, 1.0)):
        for mode, half in (("stride:16", 6 * np.exp(logarithm)), ("center", 8)):
            interval = found.interval(ClipMode.parse(mode), Hints(ef, 2.0, None, ef))
            assert interval is not None
            assert interval.low == pytest.approx(ef - half)


@pytest.mark.parametrize("part", ["mean", "scale", "weights"])
def test_a_difficulty_of_other_hints_is_one_line(tmp_path: Path, part: str) -> None:
    other = {"difficulty.stride:16." + part: np.ones(5, np.float32)}
    save_trust(TRUST, tmp_path / TRUST_FILE)
    arrays = dict(np.load(tmp_path / TRUST_FILE)) | other
    with (tmp_path / TRUST_FILE).open("wb") as stream:
        np.savez(stream, **arrays)
    with pytest.raises(ModelError, match="run `edgeecho calibrate trust` again"):
        load_saved(tmp_path)


def test_a_bundle_without_difficulties_has_intervals_of_one_width(tmp_path: Path) -> None:
    save_trust(replace(TRUST, difficulties={}), tmp_path / TRUST_FILE)
    found = load_saved(tmp_path)
    assert found is not None
    for ef in (20.0, 50.0):
        interval = found.interval(ClipMode("stride", 16), Hints(ef, 2.0, None, ef))
        assert interval is not None
        assert (interval.low, interval.high) == (ef - 6, ef + 6)


@pytest.mark.parametrize("level", [0.001, 0.999])
def test_a_level_lies_between_0_and_1(tmp_path: Path, level: float) -> None:
    found = load(tmp_path, level=level)
    assert found is not None
    assert found.level == level


def test_a_half_width_may_be_0(tmp_path: Path) -> None:
    found = load(tmp_path, half_width={"center": 0})
    assert found is not None
    assert found.half_widths == {"center": 0}


@pytest.mark.parametrize(
    "changed",
    [
        {"level": 0},
        {"level": 1},
        {"level": float("nan")},
        {"half_width": {}},
        {"half_width": {"center": -0.001}},
        {"half_width": {"center": float("inf")}},
        {"half_width": {"sometimes": 6.0}},
        {"half_width": {"all": 6.0}},  # whose residuals the file does not have
        {"thresholds": {"sector/least": "much"}},
        {"thresholds": {"sector/least": float("nan")}},
        {"file": None},
    ],
)
def test_what_makes_no_interval_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"trust\.npz is not what this version .* reads"):
        load(tmp_path, **changed)


def test_a_file_that_was_changed_or_lost_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"was changed .* \(sha256 \w{12}…, manifest says 0{12}…\)"
    ):
        load(tmp_path, sha256="0" * 64)
    with pytest.raises(ModelError, match=r"lacks other\.npz: the copy is incomplete"):
        load(tmp_path, file="other.npz")
