"""A cohort of which a worker, the driver or everything is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from processes import children, is_running, wait
from tabled import many, parts, rows_of

from edgeecho.batch import BLOCK, FORMATS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc"),
    pytest.mark.usefixtures("all_cores"),
]

FILES, MANY = 40, 400
# A shell's job in the background ignores SIGINT, and so does what it starts, tests and all.
MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from edgeecho.cli.app import main
main()
"""


def start(folder: Path, table: Path, workers: int) -> subprocess.Popen[bytes]:
    """It runs, and a part is written."""
    command = [sys.executable, "-c", MAIN, "cohort"]
    command += [str(folder), "--out", str(table), "--format", "csv", "--workers", str(workers)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait(lambda: parts(table) or process.poll() is not None, 200)
    assert process.poll() is None
    return process


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    return [
        pid
        for pid in children(process.pid)
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def kept(table: Path) -> int:
    return sum(len(FORMATS["csv"].read(path)) for path in parts(table))


@pytest.mark.parametrize("whom", ["worker", "driver", "all"])
def test_each_file_once_after_a_kill(edgeecho: Any, tmp_path: Path, whom: str) -> None:
    folder, table = many(tmp_path / "videos", FILES), tmp_path / "t"
    process = start(folder, table, 2)
    workers = workers_of(process)
    assert len(workers) == 2
    if whom == "worker":
        os.kill(workers[0], signal.SIGKILL)
        assert process.wait(200) == 0
        assert kept(table) == FILES
    else:
        for pid in [process.pid, *(workers if whom == "all" else [])]:
            os.kill(pid, signal.SIGKILL)
        process.wait()
        assert BLOCK <= kept(table) < FILES
    wait(lambda: not any(map(is_running, workers)), 30)

    before = {path.name: path.read_bytes() for path in parts(table)}
    left = FILES - kept(table)
    done = edgeecho("cohort", folder, "--out", table, "--format", "csv", "--workers", 2)
    assert f"{left} of them computed in this call" in done.stdout, done.stderr
    rows = rows_of(table)
    assert [row["Number"] for row in rows] == list(range(1, FILES + 1))
    assert len({row["FileSHA256"] for row in rows}) == FILES
    assert {row["Status"] for row in rows} <= {"answered", "refused"}
    assert before.items() <= {path.name: path.read_bytes() for path in parts(table)}.items()
    assert not list(table.glob(".*"))


def test_ctrl_c_keeps_what_is_answered(tmp_path: Path) -> None:
    # So many that it cannot be through before it hears.
    folder, table = many(tmp_path / "videos", MANY), tmp_path / "t"
    process = start(folder, table, 1)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) != 0
    assert BLOCK <= kept(table) < MANY
