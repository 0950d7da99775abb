"""dcmtk, an independent reader of DICOM, and dciodvfy, which knows what the standard demands."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# pynetdicom installs clients of the same names into Python's own folder.
_FOLDERS = "/usr/bin:/usr/sbin:/usr/local/bin:/opt/homebrew/bin"


def find_tool(name: str, package: str = "dcmtk") -> str:
    """Path of one of its programs, or of another Debian package's.

    Skips without it, unless EDGEECHO_REQUIRE_SYSTEM_TOOLS=1 says that it must run.
    """
    found = shutil.which(name, path=_FOLDERS)
    if found is None:
        reason = f"no `{name}` on this machine: apt-get install {package}"
        if os.environ.get("EDGEECHO_REQUIRE_SYSTEM_TOOLS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def dsrdump(path: Path) -> str:
    """A structured report as dcmtk prints it; any error that it finds fails the test."""
    # +Pl: long values whole; +Pc: codes with their schemes.
    done = subprocess.run(
        [find_tool("dsrdump"), "+Pl", "+Pc", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    problems = [line for line in done.stderr.splitlines() if line[:2] in ("E:", "F:")]
    assert (done.returncode, problems) == (0, []), done.stderr
    return done.stdout


def dciodvfy(path: Path, kind: str = "ComprehensiveSR") -> list[str]:
    """What is wrong with a DICOM file, which it must know as `kind`: the errors that it finds, no
    warnings."""
    done = subprocess.run(
        [find_tool("dciodvfy", "dicom3tools"), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout + done.stderr).splitlines()
    assert any(line.startswith(kind) for line in said), said
    return [line for line in said if line.startswith("Error")]
