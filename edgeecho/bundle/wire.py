"""The frame of a protobuf message, which is all of ONNX that the runtime can read.

Fields are a tag and a value or a length, and what is of no interest is skipped by its length
(https://protobuf.dev/programming-guides/encoding/). Where this reader and an engine's parser could
differ, this one refuses: what it does not see is run unchecked.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeecho.common.errors import ModelError

VARINT, LENGTH = 0, 2
_FIXED = {1: 8, 5: 4}
"""Wire type -> bytes of the value."""
_LONGEST_VARINT = 10
# A file of 125 MB may claim 60 million empty fields; the demo's graphs have
# 4,048 and 8,522.
_MOST_FIELDS = 1_000_000


class Wire:
    """The bytes of a `ModelProto`. `ValueError` where they cannot be one."""

    def __init__(self, data: mmap.mmap) -> None:
        # ONNX's writers begin with the IR version. OpenVINO opens any format that it knows,
        # whatever the file is called: XML too, whose weights are in a second file.
        if data[:1] != b"\x08":
            raise ValueError("it does not begin as one")
        self.data = data
        self._fields_left = _MOST_FIELDS

    def fields(self, at: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """Number, wire type, start and end of the value of each field of a message."""
        while at < stop:
            tag, at = self._varint(at, stop)
            number, wire = tag >> 3, tag & 7
            if wire == VARINT:
                end = self._varint(at, stop)[1]
            elif wire == LENGTH:
                length, at = self._varint(at, stop)
                end = at + length
            elif wire in _FIXED:
                end = at + _FIXED[wire]
            else:  # groups, which no ONNX writer makes
                raise ValueError("it is damaged")
            self._fields_left -= 1
            if self._fields_left < 0:
                raise ValueError(f"it has more than {_MOST_FIELDS:,} fields")
            # Tags have 32 bits; some parsers cut longer ones instead of refusing them.
            if end > stop or not 0 < number < 1 << 29:
                raise ValueError("it is damaged")
            yield number, wire, at, end
            at = end

    def entry(self, start: int, stop: int, longest: int) -> tuple[str, str]:
        """Key and value of a `StringStringEntryProto`, each cut at `longest` bytes."""
        found = {number: (at, end) for number, _, at, end in self.fields(start, stop)}
        key, value = (self.text(*found.get(number, (0, 0)), longest) for number in (1, 2))
        return key, value

    def text(self, start: int, stop: int, longest: int) -> str:
        """Cut at `longest` bytes."""
        content = self.data[start : min(stop, start + longest)]
        return content.decode(errors="surrogateescape")  # as Python reads file names

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        """Value and end of a number of 7 bits a byte, the lowest first."""
        value = 0
        for shift, byte in enumerate(self.data[at : min(stop, at + _LONGEST_VARINT)]):
            value |= (byte & 0x7F) << 7 * shift
            if byte < 0x80:
                return value, at + shift + 1
        raise ValueError("it is damaged")


def expect(wire: int, expected: int) -> None:
    """`ValueError` where a field has another wire type."""
    if wire != expected:
        raise ValueError("it is damaged")


@contextmanager
def open_wire(path: Path) -> Iterator[Wire]:
    """The file's bytes, of which only what is asked for is read. `ModelError` where it is no ONNX,
    also for the `ValueError`s of whoever reads."""
    try:
        with (
            path.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            yield Wire(data)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} is not an ONNX model that can be read ({error}): copy it again or export it "
            "again"
        ) from error
