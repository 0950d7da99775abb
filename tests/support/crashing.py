"""Tasks that end their process, like a decoder that crashes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeecho.batch import Task
from edgeecho.batch.task import ReadFile
from edgeecho.common.errors import EngineError, ModelError
from edgeecho.inference import LoadedModel
from edgeecho.results import Failure, Outcome


@dataclass(frozen=True, eq=False)
class CrashingTask(Task):
    """Files called `always*` end the process each time; those called `once*` the first time."""

    def answer(
        self,
        file: Path,
        read: Callable[[], ReadFile],
        model: LoadedModel,
        *,
        on_progress: Any = None,
    ) -> Outcome:
        mark = file.with_suffix(".seen")
        if file.stem.startswith("always") or (file.stem.startswith("once") and not mark.exists()):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().answer(file, read, model, on_progress=on_progress)


@dataclass(frozen=True, eq=False)
class LostTask(Task):
    """No process that loads the model lives to tell of it."""

    def load(self, threads: int) -> LoadedModel:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


@dataclass(frozen=True, eq=False)
class CrashOnReadTask(Task):
    """A file that begins with `please crash` ends the process."""

    def read(self, file: Path) -> ReadFile:
        if file.read_bytes().startswith(b"please crash"):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(file)


@dataclass(frozen=True, eq=False)
class LoggedTask(CrashOnReadTask):
    """The name of each file that is answered is a line of `log`."""

    log: Path = Path()

    def answer(
        self,
        file: Path,
        read: Callable[[], ReadFile],
        model: LoadedModel,
        *,
        on_progress: Any = None,
    ) -> Outcome:
        outcome = super().answer(file, read, model, on_progress=on_progress)
        with self.log.open("a") as lines:
            lines.write(f"{file.name}\n")
        return outcome


@dataclass(frozen=True, eq=False)
class CrashOnceTask(Task):
    """Each file ends the process that reads it first; a file `*.seen` beside it says so."""

    def read(self, file: Path) -> ReadFile:
        mark = file.with_suffix(".seen")
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(file)


@dataclass(frozen=True, eq=False)
class HangingTask(Task):
    """A file that holds `please hang` takes a minute."""

    def read(self, file: Path) -> ReadFile:
        if file.read_bytes() == b"please hang":
            time.sleep(60)
        return super().read(file)


@dataclass(frozen=True, eq=False)
class SlowTask(Task):
    """Every file takes half a minute."""

    def read(self, file: Path) -> ReadFile:
        time.sleep(30)
        return super().read(file)


@dataclass(frozen=True, eq=False)
class CrashAlwaysTask(Task):
    """Every file ends the process."""

    def read(self, file: Path) -> ReadFile:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().read(file)


@dataclass(frozen=True, eq=False)
class LoadedOnceTask(CrashOnReadTask):
    """A model that can be loaded once; its folder is away after that."""

    mark: Path = Path()

    def load(self, threads: int) -> LoadedModel:
        if self.mark.exists():
            raise ModelError("the bundle is not there any more")
        self.mark.touch()
        return super().load(threads)


@dataclass(frozen=True, eq=False)
class SickEngineTask(Task):
    """An engine that fails from the second file on, as one that lost its GPU."""

    def answer(
        self,
        file: Path,
        read: Callable[[], ReadFile],
        model: LoadedModel,
        *,
        on_progress: Any = None,
    ) -> Outcome:
        if os.environ.get("SICK"):
            return Outcome(file.name, Failure.of(EngineError("CUDA error 700")))
        os.environ["SICK"] = "1"
        return super().answer(file, read, model, on_progress=on_progress)


RELEASED = threading.Event()
"""Set: what hangs in this process goes on."""


@dataclass(frozen=True, eq=False)
class StuckTask(Task):
    """Hangs for a minute: in `read` of files called `read*`, in `answer` of those called
    `answer*`, in `load` if `load` is set; with `once` in the name, or in `load`, the first time."""

    stuck: Path = Path()
    load_stuck: str = ""

    @property
    def load_limit_s(self) -> float:
        """Short where it is to lapse."""
        return 3.0 if self.load_stuck else super().load_limit_s

    def load(self, threads: int) -> LoadedModel:
        if self.load_stuck:
            self._hang(Path(f"load-{self.load_stuck}"))
        return super().load(threads)

    def read(self, file: Path) -> ReadFile:
        if file.stem.startswith("read"):
            self._hang(file)
        return super().read(file)

    def answer(
        self,
        file: Path,
        read: Callable[[], ReadFile],
        model: LoadedModel,
        *,
        on_progress: Any = None,
    ) -> Outcome:
        if file.stem.startswith("answer"):
            self._hang(file)
        return super().answer(file, read, model, on_progress=on_progress)

    def _hang(self, file: Path) -> None:
        mark = self.stuck / f"{file.stem}.seen"
        if "once" in file.stem and mark.exists():
            return
        with mark.open("a") as tries:
            tries.write("x")
        RELEASED.wait(60)
