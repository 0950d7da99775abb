"""`make offline`: packed once with an index, then installed where no network can be reached."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from made import made
from outside import need, run_at_home

ROOT = Path(__file__).parents[2]
OFFLINE = ROOT / "deploy" / "offline"
UNREACHABLE = re.compile(r"Max retries|NewConnectionError|No matching distribution|ConnectTimeout")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of this clone, unpacked."""
    need("unshare")
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a network namespace")
    parts = sorted(OFFLINE.iterdir())
    state = hashlib.sha256(b"".join(path.read_bytes() for path in parts if path.is_file()))
    folder = tmp_path_factory.mktemp("offline")
    made(f"offline-{state.hexdigest()[:8]}", folder / "packed", _pack)
    (archive,) = (folder / "packed").glob("edgeecho-*.tar")
    with tarfile.open(archive) as tar:
        assert {(entry.uname, entry.uid) for entry in tar.getmembers()} == {("", 0)}
        tar.extractall(folder, filter="data")
    archive.unlink()  # 150 MB
    return folder / archive.stem


def _pack(out: Path) -> None:
    done = subprocess.run(
        [sys.executable, OFFLINE / "pack.py", "--out", out], capture_output=True, text=True
    )
    if done.returncode and UNREACHABLE.search(done.stderr):
        pytest.skip("pip reaches no index with the wheels")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def install(unpacked: Path, home: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """With an empty home folder, in a namespace in which no network can be reached."""
    command = ["unshare", "-rn", sys.executable, unpacked / "install.py", folder]
    return run_at_home(command, home, seconds=500)


def test_it_installs_and_answers_without_a_network(unpacked: Path, home: Path) -> None:
    done = install(unpacked, home, home / "edgeecho")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every file is as it was packed" in done.stdout
    assert re.search(r"^example\.avi +EF +\d+\.\d %", done.stdout, re.MULTILINE)
    assert "Research use only, not for diagnosis." in done.stdout
    assert {path.name for path in home.iterdir()} == {"edgeecho"}
    for module in ("torch", "onnx", "onnxruntime", "pytest"):
        assert not list((home / "edgeecho" / "lib").glob(f"python*/site-packages/{module}"))
    again = install(unpacked, home, home / "edgeecho")
    assert again.returncode == 1
    assert "is there already" in again.stderr


def test_the_sums_are_those_that_sha256sum_checks(unpacked: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"], cwd=unpacked, capture_output=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (unpacked / "pages" / "docs" / "install.md").is_file()
    assert len((unpacked / "README").read_text().splitlines()) == 10


@pytest.fixture
def wheel(unpacked: Path) -> Iterator[Path]:
    """The wheel of NumPy, given back as it was."""
    (found,) = (unpacked / "wheels").glob("numpy-*.whl")
    kept = found.read_bytes()
    yield found
    found.write_bytes(kept)


def test_a_changed_wheel_is_named_and_nothing_is_installed(
    unpacked: Path, wheel: Path, home: Path
) -> None:
    data = bytearray(wheel.read_bytes())
    data[len(data) // 2] ^= 1
    wheel.write_bytes(data)
    extra = unpacked / "wheels" / "evil-1.0-py3-none-any.whl"
    extra.write_bytes(b"")
    try:
        done = install(unpacked, home, home / "edgeecho")
    finally:
        extra.unlink()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "nothing was installed: wheels/evil-1.0-py3-none-any.whl is not of this archive; "
        f"wheels/{wheel.name} is changed. Unpack the archive again, or ask for another\n"
    )
    assert list(home.iterdir()) == []


def test_a_missing_wheel_is_named(unpacked: Path, wheel: Path, home: Path) -> None:
    wheel.unlink()
    done = install(unpacked, home, home / "edgeecho")
    assert f"wheels/{wheel.name} is missing" in done.stderr
    assert list(home.iterdir()) == []


def test_wheels_of_another_python_are_refused_before_anything(unpacked: Path, home: Path) -> None:
    facts, sums = unpacked / "packed.json", unpacked / "SHA256SUMS"
    before, listed = facts.read_text(), sums.read_text()
    other = before.replace('"python": "3.', '"python": "2.')
    old, new = (hashlib.sha256(text.encode()).hexdigest() for text in (before, other))
    facts.write_text(other)
    sums.write_text(listed.replace(old, new))
    try:
        done = install(unpacked, home, home / "edgeecho")
    finally:
        facts.write_text(before)
        sums.write_text(listed)
    assert "this archive is for python 2." in done.stderr
    assert list(home.iterdir()) == []
