"""A commit's files in a folder of their own, where `make mutate` changes them and runs tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from mutants import Mutant

PYTEST = ("-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no")
_stamp = count(int(time.time()))
_running: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Copy:
    """The commit's files in a folder of their own."""

    folder: Path

    def test(self, tests: tuple[str, ...], timeout: float) -> tuple[str, float]:
        """What the tests say (`survived`, `found`, `hung`, `no test`), and their seconds."""
        roots = [str(self.folder / root) for root in ("", "train", "calibration", "export")]
        # Tests that are killed leave their files: where they go with the copy.
        scratch = self.folder.with_name(f"{self.folder.name}-tmp")
        scratch.mkdir(exist_ok=True)
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(roots), "TMPDIR": str(scratch)}
        # What does not change is compiled once.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *PYTEST, f"--basetemp={scratch / 'pytest'}", *tests],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _running.add(process)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            return "hung", time.monotonic() - began
        finally:
            _end(process)
        # 1: a test failed; 2, 3, 4: the module, or what imports it, cannot even be loaded.
        outcome = {0: "survived", 5: "no test"}.get(code, "found")
        return outcome, time.monotonic() - began

    def try_out(self, mutant: Mutant, tests: tuple[str, ...], timeout: float) -> str:
        """What the tests say of the mutant; the copy is whole again afterwards."""
        path = self.folder / mutant.module
        whole = path.read_text(encoding="utf-8")
        try:
            _write(path, mutant.source)
            return self.test(tests, timeout)[0]
        finally:
            _write(path, whole)


def _write(path: Path, source: str) -> None:
    path.write_text(source, encoding="utf-8")
    # Python takes compiled code for current by second and size, which two mutants may share.
    os.utime(path, (next(_stamp),) * 2)


def _end(process: subprocess.Popen[bytes]) -> None:
    # With all that it started: the group is its own.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _running.discard(process)


def end_all() -> None:
    """End the tests that still run."""
    for process in tuple(_running):
        _end(process)


def copy_of(root: Path, commit: str, folder: Path) -> Copy:
    """Unpack a commit of the repository `root` into the new `folder`."""
    folder.mkdir()
    files = subprocess.run(["git", "archive", commit], cwd=root, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", folder], input=files.stdout, check=True)
    return Copy(folder)
