"""Reading protobuf's wire format, which is all of ONNX that the runtime can read itself.

A field is a tag and a value or a length, and irrelevant fields are skipped by their length
(https://protobuf.dev/programming-guides/encoding/). Wherever this reader and an engine's parser
might differ, it refuses the file, because what it does not see would run unchecked.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeecho.common.errors import ModelError

VARINT, LENGTH = 0, 2
_FIXED = {1: 8, 5: 4}
"""Wire type -> size of the value in bytes."""
_LONGEST_VARINT = 10
# A file of 125 MB may claim 60 million empty fields; the demo's graphs have 4,048 and 8,522.
_MOST_FIELDS = 1_000_000


class Wire:
    """A reader of a serialised `ModelProto`; `ValueError` if the bytes are not one."""

    def __init__(self, data: mmap.mmap) -> None:
        # ONNX writers begin with the IR version. OpenVINO opens any format that it knows, whatever
        # the file's name, even XML, whose weights are in a second file.
        if data[:1] != b"\x08":
            raise ValueError("it does not begin as one")
        self.data = data
        self._fields_left = _MOST_FIELDS

    def fields(self, at: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """Number, wire type, and start and end of the value, for each field of a message."""
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
            # Tags have 32 bits; some parsers truncate longer ones instead of refusing them.
            if end > stop or not 0 < number < 1 << 29:
                raise ValueError("it is damaged")
            yield number, wire, at, end
            at = end

    def entry(self, start: int, stop: int, longest: int) -> tuple[str, str]:
        """Key and value of a `StringStringEntryProto`, each truncated to `longest` bytes."""
        found = {number: (at, end) for number, _, at, end in self.fields(start, stop)}
        key, value = (self.text(*found[n], longest) if n in found else "" for n in (1, 2))
        return key, value

    def text(self, start: int, stop: int, longest: int) -> str:
        """A text field, truncated to `longest` bytes."""
        content = self.data[start : min(stop, start + longest)]
        return content.decode(errors="surrogateescape")  # as Python reads file names

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        """Value and end of a varint: 7 bits per byte, lowest first."""
        value = 0
        for shift, byte in enumerate(self.data[at : min(stop, at + _LONGEST_VARINT)]):
            value |= (byte & 0x7F) << 7 * shift
            if byte < 0x80:
                return value, at + shift + 1
        raise ValueError("it is damaged")


def expect(wire: int, expected: int) -> None:
    """Raise `ValueError` if a field has another wire type than expected."""
    if wire != expected:
        raise ValueError("it is damaged")


@contextmanager
def open_wire(path: Path) -> Iterator[Wire]:
    """Map an ONNX file into memory; only the bytes that are used are read.

    `ModelError` if it is not ONNX, which includes any `ValueError` raised inside the context.
    """
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
