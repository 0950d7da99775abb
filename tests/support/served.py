"""The service on a real socket, in its own process or in a thread with a test's settings."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

import httpx
from processes import children, wait

from edgeecho.batch import Task
from edgeecho.bundle import open_model
from edgeecho.cine import DecodeLimits
from edgeecho.preprocess import Handling
from edgeecho.service.http.server import listen, make_server
from edgeecho.service.http.service import Service
from edgeecho.service.http.settings import HttpSettings
from edgeecho.service.jobs import JobStore

PHANTOMS = sorted((Path(__file__).parents[2] / "examples" / "phantoms" / "Videos").iterdir())
NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"
"""For tests in which an answer is to take some time."""
_START = "from edgeecho.cli.app import main; main()"


class Client(httpx.Client):
    """A client of the API."""

    def post_file(self, data: bytes, **options: Any) -> Any:
        """The job that was made of it."""
        answer = self.post("/api/v1/jobs", content=data, **options)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def job(self, job_id: str) -> Any:
        """As it is now."""
        answer = self.get(f"/api/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ended(self, job_id: str) -> Any:
        """Once it has."""
        return wait(lambda: (job := self.job(job_id))["finished"] and job)


class Held:
    """A service whose engine can be stopped, so that an answer that was begun does not end."""

    def engine_pid(self) -> int:
        """Of the process that answers."""
        raise NotImplementedError

    def hold(self) -> int:
        """Its process id."""
        pid = self.engine_pid()
        os.kill(pid, signal.SIGSTOP)
        return pid


class Process(Held):
    """`edgeecho serve` as a user starts it, at any free port."""

    started: ClassVar[list[Process]] = []
    """Every one: what a failing test leaves behind is ended from outside."""

    def __init__(self, state: Path, *words: object, port: int = 0) -> None:
        self.state = state
        options = ["--state", state, "--port", port, "--threads", 1]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, "serve", *map(str, [*options, *words])],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(self)
        assert self._process.stderr is not None
        self.words = ""
        while not (found := re.search("serving (https?://[^ \n]+)", self.words)):
            line = self._process.stderr.readline()
            assert line, f"it ended: {self.words}"
            self.words += line
        self.url = found[1].replace("0.0.0.0", "127.0.0.1")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self, **options: Any) -> Client:
        return Client(base_url=self.url, timeout=30, **options)

    def engine_pid(self) -> int:
        (found,) = {
            pid
            for pid in children(self.pid)
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        }
        return found

    def kill(self) -> None:
        """Wherever it is."""
        self._process.kill()
        self._process.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit code."""
        self._process.send_signal(number)
        code = self._process.wait(20)
        self._reader.join(5)
        return code

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.words += line


class Thread(Held):
    """The same service within the test's process."""

    def __init__(
        self,
        state: Path,
        settings: HttpSettings | None = None,
        *,
        task: type[Task] = Task,
        **options: Any,
    ) -> None:
        limit_s = options.pop("limit_s", 60.0)
        limits = DecodeLimits(megabytes=options.pop("most_mb", 800))
        model, clips = open_model(options.pop("model", None)), options.pop("clips", "center")
        self._stopped = False
        self.state, self.store = state, JobStore(state, **options)
        handed = task(
            model=model, engine="auto", clips=clips, handling=Handling(), fps=None,
            limits=limits, show_refused=False, frames=64,
        )  # fmt: skip
        self.service = Service(
            self.store, handed, settings or HttpSettings(), threads=1, limit_s=limit_s
        )
        self.service.start()
        listener = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._server = make_server(self.service)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()
        wait(lambda: self._server.started)

    def client(self, **options: Any) -> Client:
        return Client(base_url=self.url, timeout=30, **options)

    def engine_pid(self) -> int:
        engine = self.service.runner._engine._running
        assert engine is not None
        assert engine[0].pid is not None
        return engine[0].pid

    @property
    def running(self) -> bool:
        """Whether requests are answered."""
        return self._thread.is_alive()

    def files(self) -> list[Path]:
        """What lies in the folder of files."""
        return list(self.store.queue.new_file().parent.iterdir())

    def stop(self) -> None:
        """Does nothing if it was stopped before."""
        if self._stopped:
            return
        self._stopped = True
        self.service.closing.set()
        self._server.should_exit = True
        self._thread.join(20)
        self.service.close()
        self.store.close()
