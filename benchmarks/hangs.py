"""Does it ever hang? Hundreds of runs from outside, on a quiet machine and on a busy one.

`python benchmarks/hangs.py --runs 300 --requests 50`: runs of `infer` on the example clip, half of
them with every core kept busy by others; requests to `serve`; runs of `infer --workers 2`. Nothing
may take longer than a minute; what does is killed and counted. Exit code 1 where anything was.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from edgeecho.bundle import EXAMPLE
from edgeecho.common.cpu import usable_cores

LIMIT_S = 60.0
_EDGEECHO = [sys.executable, "-c", "from edgeecho.cli.app import main; main()"]
_SPIN = "while True: pass"


def main() -> None:
    """Run all of it and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--crews", type=int, default=10)
    wanted = parser.parse_args()
    # One clip: what may hang is reading while the model is loaded.
    infer = [*_EDGEECHO, "infer", str(EXAMPLE), "--clips", "center"]
    crew = [*infer, str(EXAMPLE), "--workers", "2"]
    half = wanted.runs // 2
    hung = _repeat("infer, quiet", wanted.runs - half, lambda: _run(infer))
    hung += _repeat("infer --workers 2", wanted.crews, lambda: _run(crew))
    with _busy():
        hung += _repeat("infer, every core busy", half, lambda: _run(infer))
    with _serving() as url:
        hung += _repeat("request to serve", wanted.requests, lambda: _request(url))
    sys.exit(1 if hung else 0)


def _repeat(what: str, times: int, once: Callable[[], float]) -> int:
    """How many of them hung; a line that says how long they took."""
    seconds = [once() for _ in range(times)]
    hung = sum(s >= LIMIT_S for s in seconds)
    if seconds:
        words = f"median {median(seconds):.2f} s, longest {max(seconds):.2f} s"
        print(f"{what}: {times} runs, {hung} hung; {words}", flush=True)
    return hung


def _run(command: Sequence[str]) -> float:
    """How long it took, in s; a run that fails in another way is an error."""
    begin = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return LIMIT_S
    if done.returncode not in (0, 5):
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr}")
    return time.monotonic() - begin


@contextmanager
def _busy() -> Iterator[None]:
    spinning = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(usable_cores())]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()


@contextmanager
def _serving() -> Iterator[str]:
    """The service, as a user starts it; it has to end when it is told to."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder, "state")
        words = ["serve", "--port", "0", "--state", str(state)]
        process = subprocess.Popen([*_EDGEECHO, *words], stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr is not None
            found = None
            while not found:
                line = process.stderr.readline()
                assert line, "the service has ended"
                found = re.search("serving (http://[^ \n]+)", line)
            yield found[1]
            process.send_signal(signal.SIGTERM)
            process.wait(LIMIT_S)
        finally:
            process.kill()


def _request(url: str) -> float:
    """From the upload to the answer, in s."""
    begin = time.monotonic()
    job = httpx.post(f"{url}/api/v1/jobs", content=EXAMPLE.read_bytes()).json()
    while time.monotonic() - begin < LIMIT_S:
        if httpx.get(f"{url}/api/v1/jobs/{job['id']}").json()["finished"]:
            break
        time.sleep(0.05)
    return time.monotonic() - begin


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:
        os.environ["EDGEECHO_CACHE"] = cache  # the first run compiles the model, the others load it
        main()
