"""Which tensors of an ONNX file have their values in another file, which no hash covers.

An engine reads such a file without a word, whoever changed it. The runtime has neither onnx nor
protobuf, but finding these tensors takes only the frame of a message: fields are a tag and a value
or a length, and what cannot hold a tensor is skipped by its length
(https://protobuf.dev/programming-guides/encoding/). Where this reader and an engine's parser could
differ, this one refuses: what it does not see is run unchecked.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeecho.common.errors import ModelError

# Messages through which a tensor is reached, and the numbers of the fields that hold them: onnx
# 1.23.2, onnx/onnx.proto. A test compares them with the installed package.
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
"""By message: number of a field -> the message that it holds."""
_TENSOR_NAME, _DATA_LOCATION = 8, 14
_KEY, _VALUE = 1, 2

_VARINT, _LENGTH = 0, 2
_FIXED = {1: 8, 5: 4}
"""Wire type -> bytes of the value."""
_LONGEST_VARINT = 10
# A file of 125 MB may claim 60 million empty fields; the demo's graphs have
# 4,048 and 8,522.
_MOST_FIELDS = 1_000_000
# A name beyond this is no file's.
_LONGEST_NAME = 1000


@dataclass(frozen=True)
class ExternalTensor:
    """A tensor whose values are not in the file that names it."""

    name: str
    """May be empty: a tensor in a node's attribute needs none."""
    location: str
    """Path of the other file as it is written there; empty: it does not say."""


def check_self_contained(path: Path) -> None:
    """`ModelError` where the ONNX file `path` takes values from any other file."""
    for tensor in external_tensors(path):
        raise ModelError(
            f"{path} takes the values of {tensor.name or 'a tensor'} from "
            f"{tensor.location or 'a file that it does not name'}, which no hash covers: "
            "save the model as one file, without external data"
        )


def check_shared(path: Path, plain: Path) -> None:
    """`ModelError` where the shared graph `path` takes values from any file but `plain`.

    `plain` was verified and lies in the same folder. Neither may be a link: engines differ in
    whether they look for `plain` beside the link or beside what it points to.
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
    """Every tensor of an ONNX file whose values are elsewhere, in no order.

    The weights in it are neither read nor copied. `ModelError` where it is damaged or no ONNX.
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
    """The bytes of a `ModelProto`. `ValueError` where they cannot be one."""

    def __init__(self, data: mmap.mmap) -> None:
        # ONNX's writers begin with the IR version. OpenVINO opens any format that it knows,
        # whatever the file is called: XML too, whose weights are in a second file.
        if data[:1] != b"\x08":
            raise ValueError("it does not begin as one")
        self._data = data
        self._fields_left = _MOST_FIELDS

    def external(self) -> Iterator[ExternalTensor]:
        """No recursion: a graph may nest as deeply as its bytes allow."""
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
                # Parsers differ in what they make of values that ONNX does not know.
                elsewhere |= any(byte & 0x7F for byte in self._data[at:end])
            elif number in MESSAGES[_TENSOR]:
                _expect(wire, _LENGTH)
                elsewhere = True
                locations += self._location(at, end)
        # More than one: a parser takes one of them, which one is its own affair.
        for location in locations or [""] * elsewhere:
            yield ExternalTensor(name, location)

    def _location(self, start: int, stop: int) -> list[str]:
        entry = {number: (at, end) for number, _, at, end in self._fields(start, stop)}
        key, value = (self._text(*entry.get(number, (0, 0))) for number in (_KEY, _VALUE))
        return [value] if key == "location" else []

    def _fields(self, at: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """Number, wire type, start and end of the value of each field of a message."""
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
            # Tags have 32 bits; some parsers cut longer ones instead of refusing them.
            if end > stop or not 0 < number < 1 << 29:
                raise ValueError("it is damaged")
            yield number, wire, at, end
            at = end

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        """Value and end of a number of 7 bits a byte, the lowest first."""
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
