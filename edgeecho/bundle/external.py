"""Finding tensors of an ONNX file that have external data, which no hash covers.

An engine reads the external file silently, whoever changed it. The runtime depends on neither onnx
nor protobuf, but finding these tensors takes only protobuf's wire format: a field is a tag and a
value or a length, and fields that cannot contain a tensor are skipped by their length
(https://protobuf.dev/programming-guides/encoding/). Wherever this reader and an engine's parser
might differ, it refuses the file, because what it does not see would run unchecked.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeecho.common.errors import ModelError

# Messages that lead to a tensor, with the numbers of their fields, from onnx/onnx.proto of onnx
# 1.23.2. A test compares them with the installed package.
_TENSOR, _ENTRY = "TensorProto", "StringStringEntryProto"
MESSAGES: Mapping[str, Mapping[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: _TENSOR, 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: _TENSOR,
        6: "GraphProto",
        10: _TENSOR,
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: _TENSOR, 2: _TENSOR},
    _TENSOR: {13: _ENTRY},
}
"""For each message, field number -> message type of that field."""
_TENSOR_NAME, _DATA_LOCATION = 8, 14
_KEY, _VALUE = 1, 2

_VARINT, _LENGTH = 0, 2
_FIXED = {1: 8, 5: 4}
"""Wire type -> size of the value in bytes."""
_LONGEST_VARINT = 10
# A file of 125 MB may claim 60 million empty fields; the demo's graphs have 4,048 and 8,522.
_MOST_FIELDS = 1_000_000
# No file name is longer.
_LONGEST_NAME = 1000


@dataclass(frozen=True)
class ExternalTensor:
    """A tensor with external data."""

    name: str
    """Name of the tensor; may be empty for one in a node's attribute."""
    location: str
    """Path of the external file as written in the model; empty if it does not say."""


def check_self_contained(path: Path) -> None:
    """Raise `ModelError` if the ONNX file `path` has external data."""
    for tensor in external_tensors(path):
        raise ModelError(
            f"{path} takes the values of {tensor.name or 'a tensor'} from "
            f"{tensor.location or 'a file that it does not name'}, which no hash covers: "
            "save the model as one file, without external data"
        )


def check_shared(path: Path, plain: Path) -> None:
    """Raise `ModelError` if the shared graph `path` has external data in any file but `plain`.

    `plain` has been verified and lies in the same folder. Neither may be a symbolic link, because
    engines differ in whether they look for `plain` beside the link or beside its target.
    """
    for tensor in external_tensors(path):
        if tensor.location != plain.name:
            raise ModelError(
                f"{path} takes the values of {tensor.name or 'a tensor'} from "
                f"{tensor.location or 'a file that it does not name'}, not from {plain.name}, "
                "whose hash was verified: export the bundle again"
            )
    for file in (path, plain):
        if file.is_symlink():
            raise ModelError(
                f"{file} is a link, but a shared graph and its weights must lie in one folder: "
                "copy the bundle with the files themselves (cp -rL)"
            )


def external_tensors(path: Path) -> tuple[ExternalTensor, ...]:
    """All tensors of an ONNX file with external data, in no particular order.

    Weights are neither read nor copied. `ModelError` if the file is damaged or not ONNX.
    """
    try:
        with (
            path.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            return tuple(_Message(data).external())
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} is not an ONNX model that can be read ({error}): copy it again or export it "
            "again"
        ) from error


class _Message:
    """A reader of a serialised `ModelProto`; `ValueError` if the bytes are not one."""

    def __init__(self, data: mmap.mmap) -> None:
        # ONNX writers begin with the IR version. OpenVINO opens any format that it knows, whatever
        # the file's name, even XML, whose weights are in a second file.
        if data[:1] != b"\x08":
            raise ValueError("it does not begin as one")
        self._data = data
        self._fields_left = _MOST_FIELDS

    def external(self) -> Iterator[ExternalTensor]:
        """Yield tensors with external data. Not recursive, because graphs may nest very deeply."""
        waiting = [("ModelProto", 0, len(self._data))]
        while waiting:
            message, start, stop = waiting.pop()
            if message == _TENSOR:
                yield from self._tensor(start, stop)
                continue
            inner = MESSAGES[message]
            for number, wire, at, end in self._fields(start, stop):
                if number in inner:
                    _expect(wire, _LENGTH)
                    waiting.append((inner[number], at, end))

    def _tensor(self, start: int, stop: int) -> Iterator[ExternalTensor]:
        name, locations, elsewhere = "", [], False
        for number, wire, at, end in self._fields(start, stop):
            if number == _TENSOR_NAME:
                name = self._text(at, end)
            elif number == _DATA_LOCATION:
                _expect(wire, _VARINT)
                # Parsers treat unknown values differently.
                elsewhere |= any(byte & 0x7F for byte in self._data[at:end])
            elif number in MESSAGES[_TENSOR]:
                _expect(wire, _LENGTH)
                elsewhere = True
                locations += self._location(at, end)
        # With several locations, parsers differ in which one they use.
        for location in locations or [""] * elsewhere:
            yield ExternalTensor(name, location)

    def _location(self, start: int, stop: int) -> list[str]:
        entry = {number: (at, end) for number, _, at, end in self._fields(start, stop)}
        key, value = (self._text(*entry.get(number, (0, 0))) for number in (_KEY, _VALUE))
        return [value] if key == "location" else []

    def _fields(self, at: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """Number, wire type, and start and end of the value, for each field of a message."""
        while at < stop:
            tag, at = self._varint(at, stop)
            number, wire = tag >> 3, tag & 7
            if wire == _VARINT:
                end = self._varint(at, stop)[1]
            elif wire == _LENGTH:
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

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        """Value and end of a varint: 7 bits per byte, lowest first."""
        value = 0
        for shift, byte in enumerate(self._data[at : min(stop, at + _LONGEST_VARINT)]):
            value |= (byte & 0x7F) << 7 * shift
            if byte < 0x80:
                return value, at + shift + 1
        raise ValueError("it is damaged")

    def _text(self, start: int, stop: int) -> str:
        content = self._data[start : min(stop, start + _LONGEST_NAME)]
        return content.decode(errors="surrogateescape")  # as Python reads file names


def _expect(wire: int, expected: int) -> None:
    if wire != expected:
        raise ValueError("it is damaged")
