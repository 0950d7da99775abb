"""What became of one file: an estimate, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from edgeecho.errors import EdgeEchoError
from edgeecho.estimation import EFEstimate


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
    """One file of an `infer` call."""

    video: str
    """File name without folders: folder names often hold a patient's name."""
    answer: EFEstimate | Failure
