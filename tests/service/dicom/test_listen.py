"""The real command: standard clients, SIGTERM, kill -9, a disk that is full."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dcmtk import dsrdump, find_tool
from dicom_net import Scanner, write_cine
from listening import NARROW, Listening
from processes import is_running, wait
from pydicom.examples import get_path

from edgeecho.service.jobs import JobStore

pytestmark = pytest.mark.slow


def test_standard_clients_store_and_read(listen: Callable[..., Listening], tmp_path: Path) -> None:
    echo, store = map(find_tool, ("echoscu", "storescu"))
    node = listen("--out", tmp_path / "sr", "--aet", "EF")
    subprocess.run([echo, "-aec", "EF", "127.0.0.1", str(node.port)], check=True, timeout=30)
    phantom = write_cine(tmp_path / "a.dcm", 1, frames=100)
    for file in (str(get_path("ybr_color")), str(phantom)):
        words = [store, "-xy", "-aec", "EF", "127.0.0.1", str(node.port), file]
        done = subprocess.run(words, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
    wait(lambda: len(list((tmp_path / "sr").glob("2.25*.dcm"))) == 2)
    dumps = [dsrdump(report) for report in (tmp_path / "sr").glob("2.25*.dcm")]
    assert all("PRELIMINARY" in text and "UNVERIFIED" in text for text in dumps)
    refused, answered = sorted(dumps, key=lambda text: "NUM:" in text)
    assert "refused: too short" in refused
    assert "NUM:" not in refused
    assert "NUM:" in answered
    assert node.stop() == 0
    assert "Research use only, not for diagnosis" in node.log
    assert "Traceback" not in node.log


def test_sigterm_ends_it_cleanly_in_the_middle_of_a_study(
    listen: Callable[..., Listening], tmp_path: Path
) -> None:
    node = listen("--clips", "all", "--model", NARROW)
    with Scanner(node.port) as scanner:
        for number in range(1, 4):
            assert scanner.store(write_cine(tmp_path / "a.dcm", number))[0] == 0
        (engine,) = [pid for pid in node.children() if is_running(pid)][-1:]
        begin = time.monotonic()
        assert node.stop() == 0
    assert time.monotonic() - begin < 10
    wait(lambda: not is_running(engine), 10)
    store = JobStore(tmp_path / "state")
    assert len(store.queue.latest(10)) == 3
    assert store.queue.count("running") == 0
    assert not list((tmp_path / "state" / "files").glob("*.part"))
    assert "Traceback" not in node.log
    assert node.log.rstrip().endswith("stopping")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--bind", "0.0.0.0"], "can be reached from other machines: say with --allow"),
        (["--bind", "scanner"], "is no IP address"),
        (["--allow", "SCANNER"], "is no sender: give AE@ADDRESS"),
        (["--allow", "SCANNER@pacs.example"], "is no sender: give AE@ADDRESS"),
        (["--send-to", "ARCHIVE@host"], "is no destination: give AE@HOST:PORT"),
        (["--send-to", "ARCHIVE@host:0"], "is no destination: give AE@HOST:PORT"),
        (["--send-to", "A@host:104", "--out", "sr"], "leave one out"),
        (["--aet", "a title that is too long"], "is no AE title"),
        (["--clips", "some"], "some"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_done(
    edgeecho: Any, tmp_path: Path, options: list[str], message: str
) -> None:
    done = edgeecho("listen", "--state", tmp_path / "state", *options)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_port_that_is_taken_is_one_line(
    listen: Callable[..., Listening], edgeecho: Any, tmp_path: Path
) -> None:
    node = listen("--out", tmp_path / "sr")
    done = edgeecho("listen", "--state", tmp_path / "other", "--port", node.port)
    assert done.returncode == 2
    assert f"port {node.port} of 127.0.0.1 cannot be had" in done.stderr
    done = edgeecho("listen", "--state", tmp_path / "state", "--port", 0)
    assert done.returncode == 2
    assert "is used by another process" in done.stderr


def test_a_missing_extra_is_named(edgeecho: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeecho.common.plugins.missing_of_extra", lambda _extra: ("pynetdicom",))
    done = edgeecho("listen")
    assert done.returncode == 4
    assert "pip install 'edgeecho[dicom]'" in done.stderr
