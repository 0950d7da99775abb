"""What became of one file: an estimate, or the reason why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeecho.errors import EdgeEchoError
from edgeecho.estimation import EFEstimate

if TYPE_CHECKING:
    from edgeecho.report.pictures import Pictures


@dataclass(frozen=True)
class Failure:
    """A file that could not be answered."""

    message: str
    exit_code: int

    @classmethod
    def of(cls, error: EdgeEchoError) -> Failure:
        """From the error that was raised."""
        return cls(str(error), error.exit_code)


@dataclass(frozen=True)
class Outcome:
    """One file of an `infer` call. Its number is its place in the call, counted from 1."""

    file: str
    """File name without folders: folder names often hold a patient's name."""
    answer: EFEstimate | Failure
    sha256: str | None = None
    """Of the file's bytes, where it was answered: it tells files of one name apart, and finds the
    file again under any name."""
    pictures: Pictures | None = None
    """Frames for the HTML report, where one was asked for."""


def labels(outcomes: Sequence[Outcome]) -> list[str]:
    """What people are shown: the file name, with its number where the call has two of that name."""
    count = Counter(outcome.file for outcome in outcomes)
    return [
        f"{outcome.file} #{number}" if count[outcome.file] > 1 else outcome.file
        for number, outcome in enumerate(outcomes, 1)
    ]
