"""Running steps one after the other: none can stop the next, and none tells who ran it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgeecho.common.text import printable

ROOT = Path(__file__).parents[2]
MINUTES = 8.0
"""What the limits of the steps are meant for."""
_TAIL = 12
# From a root on; what lies in the clone or in the folder of the run is named from there.
_FOLDERS = re.compile(r"(?<![\w.:/-])(?:[A-Za-z]:)?[\\/](?:[^\\/'\":()]+[\\/])+")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Step:
    """One command."""

    name: str
    words: tuple[object, ...]
    """For this Python, such as `-m edgeecho doctor`."""
    limit_s: float
    headline: bool = False
    """Whether its failure is a failure of the whole."""
    needs: tuple[str, ...] = ()
    """Modules without which it is not there."""
    absent: str = ""
    """Why it is not there, where that was known before."""
    writes: Path | None = None
    """JSON that it writes; None: on stdout, if at all."""
    fine: tuple[int, ...] = (0,)
    skipped: int | None = None
    """The exit code by which it says that it is not for this machine."""


def run_steps(steps: Iterable[Step], work: Path, *, minutes: float) -> Iterator[dict[str, Any]]:
    """A row for each step. `steps` may be a generator that looks at what earlier steps left."""
    deadline = time.monotonic() + 60 * minutes
    for step in steps:
        print(f"{step.name} ...", flush=True)
        row = _run(step, work, min(step.limit_s * minutes / MINUTES, deadline - time.monotonic()))
        print(f"  {row['state']}{': ' + row['why'] if row['why'] else ''}", flush=True)
        yield row


def _run(step: Step, work: Path, limit_s: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": step.name,
        "headline": step.headline,
        "command": " ".join(_clean(str(word), work) for word in step.words),
        "limit_s": round(limit_s, 1),
        "seconds": None,
        "exit_code": None,
        "why": step.absent,
        "last_lines": [],
        "found": None,
    }
    missing = [module for module in step.needs if find_spec(module) is None]
    if missing and not step.absent:
        row["why"] = f"not installed: {', '.join(missing)}"
    if row["why"]:
        return {**row, "state": "not there"}
    if limit_s <= 0:
        return {
            **row,
            "state": "no time left",
            "why": "earlier steps took it; --minutes gives more",
        }
    out, err = work / "stdout", work / "stderr"
    begin = time.monotonic()
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, *map(str, step.words)],
            cwd=ROOT,
            env={**os.environ, "EDGEECHO_CACHE": str(work / "cache"), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            # Its own group: what it started ends with it.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    row |= {"seconds": round(time.monotonic() - begin, 1), "exit_code": code}
    row["found"] = _json(step.writes or out)
    lines = [_clean(line, work) for file in (out, err) for line in _lines(file)]
    if code == step.skipped and code is not None:
        return {**row, "state": "not there", "why": lines[-1] if lines else "skipped by itself"}
    if code in step.fine:
        return {**row, "state": "ok"}
    # What it writes to stdout as JSON is in `found`.
    row["last_lines"] = (lines if step.writes or row["found"] is None else
                         [_clean(line, work) for line in _lines(err)])[-_TAIL:]  # fmt: skip
    if code is None:
        return {**row, "state": "timed out", "why": f"ended after {limit_s:.0f} s"}
    return {**row, "state": "failed", "why": f"exit code {code}"}


def _lines(file: Path) -> list[str]:
    text = _COLOURS.sub("", file.read_text("utf-8", "replace"))
    return [line for line in text.splitlines() if line.strip()]


def _json(file: Path) -> Any:
    with suppress(OSError, ValueError):
        return json.loads(file.read_text("utf-8"))
    return None


def _clean(text: str, work: Path) -> str:
    """Without the machine's name and without folders, which often contain a user's."""
    text = text.replace(f"{work}{os.sep}", "").replace(f"{ROOT}{os.sep}", "")
    text = re.sub(rf"\b{re.escape(socket.gethostname())}\b", "HOST", text)
    return printable(_FOLDERS.sub("", text))
