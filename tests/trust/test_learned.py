"""What `calibrate trust` measured is read back as it was written, and nothing else is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import ModelError
from edgeecho.common.files import sha256_file
from edgeecho.preprocess import ClipMode, PreprocessSpec
from edgeecho.trust import Trust, load_trust
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
TRUST = Trust(
    level=0.9,
    precision="int8",
    half_widths={"stride:16": 6.0, "center": 8.0},
    residuals={"stride:16": RESIDUALS, "center": -RESIDUALS},
    spaces=dict.fromkeys(SPACES, SPACE),
    limits={"sector/least": 0.2, "far-picture": 1.5},
)
STATED: dict[str, Any] = {
    "file": TRUST_FILE,
    "level": 0.9,
    "precision": "int8",
    "half_width": TRUST.half_widths,
    "thresholds": {**TRUST.limits, "a gate of another version": 1.0},
}


def load(folder: Path, **changed: Any) -> Trust | None:
    """What is read of a bundle whose manifest states `STATED`, but for what is changed."""
    save_trust(TRUST, folder / TRUST_FILE)
    stated = {**STATED, "sha256": sha256_file(folder / TRUST_FILE), **changed}
    spec = PreprocessSpec((32, 32, 32), (50, 50, 50))
    return load_trust(ModelFile(folder / "a.onnx", "", "a", "1", "int8", spec, "", stated))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert found is not None
    assert (found.level, found.precision) == (0.9, "int8")
    assert (found.half_widths, found.limits) == (TRUST.half_widths, TRUST.limits)
    assert {mode: list(v) for mode, v in found.residuals.items()} == {
        "stride:16": [-3, 1, 2],
        "center": [3, -1, -2],
    }
    # Those of gates that have a threshold: an older bundle lacks the others.
    assert list(found.spaces) == ["picture"]
    for name in ("mean", "scale", "directions", "variances"):
        assert getattr(found.spaces["picture"], name).tolist() == getattr(SPACE, name).tolist()
    assert found.spaces["picture"].rest == 0.25


def test_the_interval_is_that_of_the_mode_or_of_fewer_clips(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert found is not None
    for mode, half in (("stride:16", 6), ("stride:8", 8), ("center", 8)):
        interval = found.interval(ClipMode.parse(mode), 50.0)
        assert interval is not None
        assert (interval.low, interval.high, interval.level) == (50 - half, 50 + half, 0.9)
    assert found.interval(ClipMode("one"), 50.0) is None


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
