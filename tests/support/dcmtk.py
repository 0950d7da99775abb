"""dcmtk, an independent reader of DICOM."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def dsrdump(path: Path) -> str:
    """A structured report as dcmtk prints it; any error that it finds fails the test.

    Skips without dcmtk, unless EDGEECHO_REQUIRE_SYSTEM_TOOLS=1 says that it must run.
    """
    if shutil.which("dsrdump") is None:
        reason = "no `dsrdump` on this machine: apt-get install dcmtk"
        if os.environ.get("EDGEECHO_REQUIRE_SYSTEM_TOOLS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # +Pl: long values whole; +Pc: codes with their schemes.
    done = subprocess.run(
        ["dsrdump", "+Pl", "+Pc", str(path)], capture_output=True, text=True, check=False
    )
    problems = [line for line in done.stderr.splitlines() if line[:2] in ("E:", "F:")]
    assert (done.returncode, problems) == (0, []), done.stderr
    return done.stdout
