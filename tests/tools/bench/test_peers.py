"""`benchmarks/peers.py` on the narrow network: everyone answers the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
NARROW = ROOT / "models" / "narrow"


def peers(out: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "peers.py"), "--bundle", NARROW / "bundle",
         "--checkpoint", NARROW / "best.pt", "--out", out, "--rounds", "1", "--study-rounds", "1",
         "--blocks", "2", "--block-length", "2", "--frames", "66", "--batch", "4", "--only",
         "edgeecho", "--only", "ONNX", "--only", "last", *map(str, words)],
        capture_output=True,
        text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    file = tmp_path_factory.mktemp("peers") / "peers.json"
    done = peers(file, "--scenario", "single", "--scenario", "study")
    assert done.returncode == 0, done.stderr
    return file


def test_everyone_gives_the_same_efs(out: Path) -> None:
    scenarios: dict[str, Any] = json.loads(out.read_text())["scenarios"]
    names = ["PyTorch eager", "PyTorch channels_last_3d", "ONNX Runtime", "edgeecho"]
    single, study = scenarios["single"], scenarios["study"]
    assert [peer["name"] for peer in single["peers"]] == names
    assert [peer["name"] for peer in study["peers"]] == [*names, "edgeecho, sharing"]
    assert (single["clips"], study["clips"], study["frames"]) == (1, 4, 66)
    for peer in (*single["peers"], *study["peers"]):
        assert peer["largest_difference"] < 1e-3, peer["name"]
    for peer in study["peers"]:
        (engine,), (total,) = peer["engine_ms"], peer["total_ms"]
        assert 0 < engine <= total


def test_it_goes_on_with_what_is_there(out: Path) -> None:
    before = json.loads(out.read_text())["scenarios"]["single"]
    done = peers(out, "--scenario", "app", "--threads", json.loads(out.read_text())["threads"])
    assert done.returncode == 0, done.stderr
    scenarios = json.loads(out.read_text())["scenarios"]
    assert scenarios["single"] == before
    (found,) = scenarios["app"]["precisions"].values()
    assert {who: len(ms) for who, ms in found["blocks_ms"].items()} == {
        "benchmark_app": 2, "edgeecho": 2,
    }  # fmt: skip


def test_what_was_measured_of_another_network_is_not_mixed(out: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    document = json.loads(out.read_text())
    document["model"]["version"] = "2"
    other.write_text(json.dumps(document))
    done = peers(other, "--scenario", "single")
    assert done.returncode == 1
    assert "name another file" in done.stderr
    assert json.loads(other.read_text()) == document
