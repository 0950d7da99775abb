"""The resume file: answers of a call, so that a killed call continues where it stopped.

A line has what reports show about one file, identified by the SHA-256 of its bytes and without its
name. Files that could not be answered are not kept; the next call tries them again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeecho.batch.kept import from_dict, to_dict
from edgeecho.batch.task import Task
from edgeecho.bundle import ModelFile
from edgeecho.common.about import VERSION
from edgeecho.common.errors import OutputError
from edgeecho.common.files import sha256_file
from edgeecho.common.journal import Journal
from edgeecho.common.text import shown_name
from edgeecho.engines import EngineFacts
from edgeecho.results import Answer, Outcome


class ResumeFile:
    """The answers in a resume file, to which new ones are added."""

    def __init__(self, journal: Journal, model: ModelFile, answers: dict[str, Answer]) -> None:
        self._journal = journal
        self._model = model
        self._answers = answers

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, file: Path) -> Outcome | None:
        """The recorded outcome for a file of this content under any name, or None."""
        if not self._answers:
            return None
        with suppress(OSError):  # reading it gives the reason
            sha256 = sha256_file(file)
            if answer := self._answers.get(sha256):
                return Outcome(shown_name(file), answer, sha256)
        return None

    def add(self, outcome: Outcome) -> None:
        """Keep an answer; `OutputError` if it comes from another engine than the others."""
        answer, sha256 = outcome.answer, outcome.sha256
        if not isinstance(answer, Answer) or sha256 is None or sha256 in self._answers:
            return
        for other in self._answers.values():
            if (then := _identity(other.engine)) != (now := _identity(answer.engine)):
                raise OutputError(
                    f"{self._journal.path} holds answers of {then}, and this is {now}: "
                    "choose another --resume, or remove that file"
                )
            break
        self._journal.add({"sha256": sha256, **to_dict(answer)})
        self._answers[sha256] = answer


@contextmanager
def open_resume_file(path: Path, task: Task) -> Iterator[ResumeFile]:
    """Read the answers of `task` in `path`, or start the file.

    `OutputError` if it belongs to another model, clip mode or handling, is damaged, or is in use by
    another process.
    """
    journal = Journal(path, "edgeecho_infer", 1, "edgeecho infer --resume", "--resume")
    with _locked(path):
        rows = journal.take_up(_key(task))
        try:
            answers = {str(row["sha256"]): from_dict(row, task.model) for row in rows}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise journal.damaged() from error
        yield ResumeFile(journal, task.model, answers)


def _key(task: Task) -> dict[str, Any]:
    """Everything that an answer depends on, except for the video and the engine."""
    model = task.model
    return {
        "model_sha256": model.sha256,
        "shared_sha256": model.shared and model.shared.sha256,
        "preprocess_sha256": model.preprocess.sha256(),
        # For intervals and refusals: the same network may have been calibrated again.
        "trust_sha256": (model.uncertainty or {}).get("sha256"),
        # For the warnings in every answer.
        "skill": model.skill and asdict(model.skill),
        "assumed": model.assumed,
        "segmentation_sha256": model.segmentation and model.segmentation.sha256,
        "clips": task.clips,
        # Without a segmentation there are none, whatever the rule.
        "beats": task.beats if model.segmentation else None,
        # As JSON gives it back.
        "handling": {**asdict(task.handling), "views": dict(task.handling.views.meanings)},
        "fps": task.fps,
        # Without this option, refused numbers are not in the file.
        "show_refused": task.show_refused,
        "edgeecho": VERSION,
    }


def _identity(engine: EngineFacts) -> str:
    # Without the number of threads, which changes with --workers.
    return f"{engine.name} {engine.version}, {engine.precision}, on {engine.device}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock the file, so that two processes cannot write it; a kill releases the lock."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                f"{path} is being written by another process: wait for it, or choose another "
                "--resume"
            ) from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)
