"""`edgeecho listen` in its own process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from processes import children

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"
"""For tests in which an answer is to take some time."""
COMMAND = [sys.executable, "-c", "from edgeecho.cli.app import main; main()", "listen"]


class Listening:
    """The real command on a free port, with its words in `log`."""

    def __init__(self, folder: Path, *options: object, before: tuple[str, ...] = ()) -> None:
        """`before`: words that go before the command, such as a shell that sets limits."""
        self._log = folder / "listen.log"
        self._log.touch()
        self._said = len(self.log)
        given = ["--port", "0", "--state", str(folder / "state"), "--threads", "1", "--quiet", "0"]
        with self._log.open("a") as stream:
            self.process = subprocess.Popen(
                [*before, *COMMAND, *given, *map(str, options)], stderr=stream
            )
        self.port = int(self._wait_for(r"listening as \S+ on \S+:(\d+)"))

    @property
    def log(self) -> str:
        """What it and those before it said."""
        return self._log.read_text()

    def kill(self) -> None:
        """At once, as by a power cut; its engine ends by itself."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """By SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def children(self) -> list[int]:
        """Process ids."""
        return children(self.process.pid)

    def _wait_for(self, pattern: str, seconds: float = 60) -> str:
        end = time.monotonic() + seconds
        while True:
            if found := re.search(pattern, self.log[self._said :]):
                return found[1]
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.05)
