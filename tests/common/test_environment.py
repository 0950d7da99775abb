"""The environment is read from this machine, and says less rather than something wrong."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeecho.common import environment
from edgeecho.common.environment import read_environment
from edgeecho.tools.bench.memory import peak_rss_mb


def test_this_machine() -> None:
    found = read_environment()

    assert found.numpy == np.__version__
    assert found.cpu
    assert found.cores_logical == os.cpu_count()
    if found.cores_physical and found.cores_logical:
        assert found.cores_physical <= found.cores_logical


@pytest.mark.parametrize(
    ("text", "cpus"), [("max 100000\n", None), ("150000 100000\n", 1.5), ("", None)]
)
def test_container_limit(text: str, cpus: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_read", lambda file: text)
    assert environment._cpu_quota() == cpus


def test_governors_of_all_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for core, governor in enumerate(["powersave", "performance", "powersave"]):
        folder = tmp_path / f"cpu{core}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(governor + "\n")
    monkeypatch.setattr(environment, "_CPUS", tmp_path)
    assert read_environment().governor == "performance, powersave"
    assert read_environment().cores_physical is None


def test_busy_is_half_a_core() -> None:
    found = read_environment()
    assert not replace(found, load_average=(0.4, 3.0, 3.0)).busy
    assert replace(found, load_average=(0.6, 0.0, 0.0)).busy
    assert not replace(found, load_average=None).busy


def test_peak_memory_grows_with_what_is_touched() -> None:
    before = peak_rss_mb()
    block = np.ones(64 << 20, np.uint8)  # 67 MB
    after = peak_rss_mb()
    assert before is not None
    assert after is not None
    assert before <= after
    assert after > block.nbytes / 1e6
