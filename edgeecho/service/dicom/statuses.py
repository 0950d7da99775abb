"""Reasons for not taking a dataset, short enough for a response (PS3.4, B.2.3; PS3.7, annex C)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from edgeecho.common.errors import EdgeEchoError
from edgeecho.service.jobs import QueueFullError

SUCCESS = 0x0000
FAILED = 0x0110
OUT_OF_RESOURCES = 0xA700
DOES_NOT_MATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
_MOST_CHARACTERS = 64


class LeftAside(Exception):  # noqa: N818 an answer, not an error
    """A dataset is of no use here, and its sender is told success."""

    def __init__(self, noun: str, *, picture: bool) -> None:
        """`noun`: what it is, see `Other`; `picture`: whether it is one, though no cine."""
        super().__init__(noun)
        self.noun, self.picture = noun, picture


class Refused(Exception):  # noqa: N818 an answer, not an error
    """A dataset is not taken."""

    def __init__(self, status: int, reason: str) -> None:
        """`reason` quotes nothing of the dataset and has at most 64 characters (an LO)."""
        super().__init__(reason)
        self.status, self.reason = status, reason[:_MOST_CHARACTERS]

    @classmethod
    def of(cls, error: EdgeEchoError | OSError) -> Refused:
        """For lack of room in the queue or on the disk."""
        full = isinstance(error, QueueFullError)
        return cls(OUT_OF_RESOURCES, "too many studies wait" if full else "the disk is full")

    def to_dataset(self) -> Dataset:
        """Of a C-STORE response."""
        dataset = Dataset()
        dataset.Status = self.status
        dataset.ErrorComment = self.reason
        return dataset
