"""Trying a file on one engine after the other, and keeping what did not run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EdgeEchoError, EngineError, ModelError
from edgeecho.engines import OURS, engines
from edgeecho.tools.verify.report import NotRun

Loaded = TypeVar("Loaded")
Compared = TypeVar("Compared")


class Tries:
    """The engines to try: all that are installed, or the one that was named.

    `EngineError` if none is installed.
    """

    def __init__(self, folder: Path, named: str | None) -> None:
        self._folder, self._named = folder, named
        among = OURS if named else engines()
        self._engines = {entry.name: entry for entry in among if entry.available}
        if not self._engines:
            raise EngineError(f"no engine is installed: {OURS[0].install}")
        self.not_run: list[NotRun] = []
        self.errors: list[EdgeEchoError] = []
        """Their errors, in the same order."""

    def run(
        self,
        model: ModelFile,
        load: Callable[[str], Loaded],
        compare: Callable[[Loaded], Compared],
    ) -> list[Compared]:
        """What `compare` says of each engine that `load` could open for `model`."""
        found = []
        for name in [self._named] if self._named else list(self._engines):
            why = None if self._named else self._engines[name].obstacle(model)
            loaded = None
            try:
                if why:
                    raise EngineError(why)
                loaded = load(name)
                found.append(compare(loaded))
            except (EngineError, ModelError) as error:
                # An engine that cannot be opened here says nothing of the file; one that refuses
                # the file, or fails while it runs, does. A named engine may have been built for one
                # precision only.
                failed = loaded is not None or isinstance(error, ModelError)
                self.leave_out(model.path.name, name, error, failed=failed and not self._named)
        return found

    def leave_out(self, file: str, engine: str, error: EdgeEchoError, *, failed: bool) -> None:
        """Keep the reason why a file did not run."""
        self.errors.append(error)
        self.not_run.append(NotRun(file, engine, self._without_paths(str(error)), failed))

    def _without_paths(self, text: str) -> str:
        """Reports are sent back."""
        for path in (str(self._folder.resolve()), str(self._folder)):
            if os.sep in path:
                text = text.replace(path, self._folder.resolve().name)
        return text
