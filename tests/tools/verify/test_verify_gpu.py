"""`edgeecho verify` where engines for a GPU are installed: they run, or the report says why not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")

from emulate import emulate

from edgeecho.common.errors import EngineError
from edgeecho.engines import OURS
from edgeecho.tools.verify import verify_bundle


@pytest.fixture
def bundle(narrow_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(narrow_bundle, tmp_path / "bundle"))


@pytest.mark.slow
def test_engine_without_a_driver_is_reported_and_no_error(
    edgeecho: Any, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulate(monkeypatch, "10.16").driver = False
    done = edgeecho("verify", bundle)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("not run: "))
    assert "fp32.onnx on tensorrt, fp32.onnx on tensorrt-graph" in line
    assert "there is no NVIDIA driver" in line
    report = json.loads(edgeecho("verify", bundle, "--json").stdout)
    assert report["passed"] is True
    left = {entry["engine"]: entry for entry in report["not_run"]}
    assert left["tensorrt"]["file"] == "fp32.onnx"
    assert "no NVIDIA driver" in left["tensorrt"]["reason"]


def test_named_engine_that_cannot_run_is_an_error(
    edgeecho: Any, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulate(monkeypatch, "10.16")
    done = edgeecho("verify", bundle, "--engine", "tensorrt")
    assert done.returncode == 4
    assert "bundle/engines has none; build one: edgeecho build BUNDLE" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_report_that_is_sent_back_has_no_path(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulate(monkeypatch, "10.16")
    (bundle / "engines").mkdir()
    (bundle / "engines" / "broken.json").write_text("{")
    reasons = [left.reason for left in verify_bundle(bundle).not_run]
    assert any("broken.json cannot be read" in reason for reason in reasons)
    assert not any(str(bundle.parent) in reason for reason in reasons)


def test_no_engine_at_all_that_can_run_is_an_error(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulate(monkeypatch, "10.16")
    only = tuple(entry for entry in OURS if entry.name == "tensorrt")
    monkeypatch.setattr("edgeecho.tools.verify.tries.engines", lambda: only)
    with pytest.raises(EngineError, match="no engine of fp32"):
        verify_bundle(bundle)
