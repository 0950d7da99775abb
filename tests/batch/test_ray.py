"""A cohort on a real Ray: the rows of `cohort`, each once, whatever is killed, and on loopback."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from processes import is_running, wait
from ray_nodes import Nodes
from tabled import PHANTOMS, many, parts, rows_of

from edgeecho.batch import BLOCK

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (extra `ray`)"),
    pytest.mark.usefixtures("all_cores"),
]

ROOT = Path(__file__).parents[2]
DRIVER = ROOT / "tests" / "support" / "ray_driver.py"
TIMES = ("DecodeMs", "PreprocessMs", "EngineMs", "MasksMs", "Result")
"""Columns that say how long it took; what else is in Result is in other columns."""
FILES = 200


@pytest.fixture
def nodes(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Nodes]:
    """Three nodes, two of them with a core."""
    rooms = (ROOT, ROOT / "train", ROOT / "calibration", ROOT / "export", DRIVER.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, rooms)))
    found = Nodes(tmp_path_factory.mktemp("r"), 2)
    yield found
    found.end()


def start(words: list[object]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row if name not in TIMES} for row in rows]


def listeners(under: int) -> set[str]:
    """Addresses on which a process and those that it started listen."""
    tree = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in tree.stdout.splitlines()[1:]]
    ours, size = {under}, 0
    while size != len(ours):
        size = len(ours)
        ours |= {pid for pid, parent in pairs if parent in ours}
    sockets = subprocess.run(["ss", "-tlnpH"], capture_output=True, text=True, check=True).stdout
    return {
        line.split()[3].rsplit(":", 1)[0]
        for line in sockets.splitlines()
        if {int(pid) for pid in re.findall(r"pid=(\d+)", line)} & ours
    }


def test_a_ray_of_its_own_gives_the_rows_of_cohort_and_listens_on_loopback(
    edgeecho: Any, tmp_path: Path
) -> None:
    folder = many(tmp_path / "v", 30)
    for file in PHANTOMS:
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "none.avi").write_text("text")
    edgeecho("cohort", folder, "--out", tmp_path / "here", "--format", "csv")
    words = ["-m", "edgeecho", "cohort", folder, "--out", tmp_path / "t", "--format", "csv"]
    process = start([*words, "--ray", "local"])
    wait(lambda: parts(tmp_path / "t") or process.poll() is not None, 120)
    seen = listeners(process.pid)
    assert process.wait(120) == 0
    assert seen
    assert seen <= {"127.0.0.1", "[::ffff:127.0.0.1]", "[::1]"}
    assert without_times(rows_of(tmp_path / "t")) == without_times(rows_of(tmp_path / "here"))


def test_each_file_once_after_losing_a_worker_a_node_and_the_driver(
    nodes: Nodes, tmp_path: Path
) -> None:
    folder, table = many(tmp_path / "v", FILES), tmp_path / "t"
    (folder / "crash.avi").write_bytes(b"please crash")
    (folder / "none.avi").write_text("text")
    log = tmp_path / "log"
    words: list[object] = [DRIVER, folder, table, nodes.address, log]
    driver = start(words)
    wait(lambda: parts(table) or driver.poll() is not None, 120)
    nodes.lose()
    nodes.add()
    wait(lambda: len(parts(table)) > 1 or driver.poll() is not None, 120)
    time.sleep(0.2)  # just after a part is written, a kill would cost no row
    assert driver.poll() is None
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    before = {path: path.read_bytes() for path in parts(table)}
    kept = len(rows_of(table))
    assert 2 * BLOCK <= kept < FILES

    again = start(words)
    assert again.wait(200) == 0
    assert again.stdout is not None
    assert int(again.stdout.read()) == FILES + 2 - kept
    assert before.items() <= {path: path.read_bytes() for path in parts(table)}.items()
    rows = rows_of(table)
    assert [row["Number"] for row in rows] == list(range(1, FILES + 3))
    errors = {row["FileName"]: row["Error"] for row in rows if row["Status"] == "error"}
    assert errors.keys() == {"crash.avi", "none.avi"}
    assert "the process that answered it was ended" in errors["crash.avi"]
    # In flight: with the driver a block less a row, and two workers' files; with a node one file.
    answered = log.read_text().splitlines()
    assert len(set(answered)) == FILES + 1
    assert len(answered) - len(set(answered)) <= BLOCK - 1 + 2 + 1


def test_nothing_of_it_is_left_when_the_driver_of_its_own_ray_is_killed(tmp_path: Path) -> None:
    folder, table = many(tmp_path / "v", FILES), tmp_path / "t"
    words = [
        "-m",
        "edgeecho",
        "cohort",
        folder,
        "--out",
        table,
        "--format",
        "csv",
        "--ray",
        "local",
    ]
    process = start(words)
    wait(lambda: parts(table) or process.poll() is not None, 120)
    under = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout
    children = list(map(int, under.split()))
    assert children
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait(lambda: not any(map(is_running, children)), 60)
