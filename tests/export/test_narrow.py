"""The narrow checkpoint in the repository, exported end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgeecho.bundle import read_manifest

NARROW = Path(__file__).parents[2] / "models" / "narrow"


def test_export_gives_the_committed_bundle_again(edgeecho: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    out = tmp_path / "narrow"
    done = edgeecho("export", NARROW / "best.pt", "--no-references", "--out", out)
    assert done.returncode == 0, done.stderr
    again, committed = read_manifest(out), read_manifest(NARROW / "bundle")
    one, other = again.artefacts["fp32"], committed.artefacts["fp32"]
    assert one.sha256 == other.sha256
    assert one.shared is not None
    assert other.shared is not None
    assert one.shared.sha256 == other.shared.sha256
    assert again.preprocess == committed.preprocess
    assert {check.engine for check in again.artefacts["fp32"].verification} == {
        "openvino",
        "onnxruntime",
    }
