"""Observing a command from outside: its connections, and how it starts processes.

It uses strace, since Python's hooks do not see native code, and since a library's thread may act
long after the main thread has passed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

CALLS = "network,fork,vfork,clone,clone3"
_LOOPBACK = re.compile(r'inet_addr\("127\.|inet_pton\(AF_INET6, "(::1"|::ffff:127\.)')
_ADDRESS = re.compile(r"sa_family=AF_INET")
_SENDS = re.compile(r"\b(connect|sendto|sendmsg|sendmmsg)\(")
# A fork copies the process as it is in one thread's eyes; threads and vfork share its memory.
_FORK = re.compile(r"\bfork\(|\bclone3?\((?![^\n]*CLONE_VM)")


@dataclass(frozen=True)
class Seen:
    """What strace wrote."""

    lines: tuple[str, ...]

    @property
    def connections(self) -> list[str]:
        """Lines in which something is sent, or a connection begun, to an internet address that
        is not this machine's."""
        found = [line for line in self.lines if _SENDS.search(line) and _ADDRESS.search(line)]
        return [line for line in found if not _LOOPBACK.search(line)]

    @property
    def local(self) -> list[str]:
        """The same, to this machine itself."""
        found = [line for line in self.lines if _SENDS.search(line) and _ADDRESS.search(line)]
        return [line for line in found if _LOOPBACK.search(line)]

    @property
    def forks(self) -> list[str]:
        """Lines in which a process was forked, not spawned."""
        return [line for line in self.lines if _FORK.search(line) and "resumed" not in line]


def need(tool: str) -> None:
    """Skip the test where a system tool is missing; fail where it must be there."""
    if shutil.which(tool) is None:
        if os.environ.get("EDGEECHO_REQUIRE_SYSTEM_TOOLS"):
            pytest.fail(f"{tool} is missing")
        pytest.skip(f"{tool} is missing")


def traced(trace: Path, command: Sequence[object]) -> list[str]:
    """The command with strace around it."""
    need("strace")
    options = ["-f", "-qq", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(trace)]
    return ["strace", *options, *map(str, command)]


def read_trace(trace: Path) -> Seen:
    """What it saw; the test fails where it saw nothing, for then it proves nothing."""
    lines = tuple(trace.read_text("utf-8", "replace").splitlines())
    assert any("clone" in line or "vfork" in line for line in lines), "strace saw no thread"
    return Seen(lines)


def written(home: Path, beside: Iterable[str]) -> list[str]:
    """Files in an empty home folder that a command wrote, but for those in these folders."""
    files = (path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
    return sorted(file for file in files if not file.startswith(tuple(beside)))


def run_at_home(
    command: Sequence[object], home: Path, *, work: Path | None = None, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run it with an empty home folder and no variables that make it behave: with CI set, ONNX
    Runtime sends nothing anyway."""
    return subprocess.run(
        list(map(str, command)),
        env={"HOME": str(home), "PATH": os.defpath, "LANG": "C.UTF-8"},
        cwd=work or home,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
