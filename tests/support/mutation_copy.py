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

# Most mutants are found by the first, in a second or two.
PARTS = ("not (slow or torch or browser)", "slow or torch or browser")
_NO_TESTS = 5
PYTEST = ("-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no")
_stamp = count(int(time.time()))
_running: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Copy:
    """The commit's files in a folder of their own."""

    folder: Path

    def test(self, tests: tuple[str, ...], part: str, limit_s: float) -> str:
        """What a part of the tests says: `survived`, `found`, `hung`; `none` if it has no test."""
        code = self._run(("-m", part, *tests), limit_s)
        # `found` also where the module, or what imports it, cannot even be loaded.
        return {0: "survived", None: "hung", _NO_TESTS: "none"}.get(code, "found")

    def _run(self, words: tuple[str, ...], limit_s: float) -> int | None:
        """Exit code of pytest; None if it did not end in time."""
        roots = [str(self.folder / root) for root in ("", "train", "calibration", "export")]
        # Tests that are killed leave their files: where they go with the copy.
        scratch = self.folder.with_name(f"{self.folder.name}-tmp")
        scratch.mkdir(exist_ok=True)
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(roots),
            "TMPDIR": str(scratch),
            # Data sets and networks are made once, by the unchanged code.
            "EDGEECHO_TESTS_MADE": "before",
        }
        # What does not change is compiled once.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *PYTEST, f"--basetemp={scratch / 'pytest'}", *words],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _running.add(process)
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(process)

    def try_out(self, mutant: Mutant, tests: tuple[str, ...], part: str, limit_s: float) -> str:
        """What they say of the mutant; the copy is whole again afterwards."""
        path = self.folder / mutant.module
        whole = path.read_text(encoding="utf-8")
        try:
            _write(path, mutant.source)
            return self.test(tests, part, limit_s)
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
    """Unpack a commit of the repository `root` into the new `folder`.

    What its tests make once for all is shared with the copies beside it.
    """
    folder.mkdir()
    (folder.parent / "build").mkdir(exist_ok=True)
    (folder / "build").symlink_to(folder.parent / "build")
    files = subprocess.run(["git", "archive", commit], cwd=root, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", folder], input=files.stdout, check=True)
    return Copy(folder)
