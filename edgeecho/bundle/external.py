"""Which tensors of an ONNX file have their values in another file, which no hash covers.

An engine reads such a file without a word, whoever changed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeecho.bundle.wire import LENGTH, VARINT, Wire, expect, open_wire
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
    with open_wire(path) as wire:
        return tuple(_external(wire))


def _external(wire: Wire) -> Iterator[ExternalTensor]:
    """No recursion: a graph may nest as deeply as its bytes allow."""
    waiting = [("ModelProto", 0, len(wire.data))]
    while waiting:
        message, start, stop = waiting.pop()
        if message == _TENSOR:
            yield from _tensor(wire, start, stop)
            continue
        inner = MESSAGES[message]
        for number, kind, at, end in wire.fields(start, stop):
            if number in inner:
                expect(kind, LENGTH)
                waiting.append((inner[number], at, end))


def _tensor(wire: Wire, start: int, stop: int) -> Iterator[ExternalTensor]:
    name, locations, elsewhere = "", [], False
    for number, kind, at, end in wire.fields(start, stop):
        if number == _TENSOR_NAME:
            name = wire.text(at, end, _LONGEST_NAME)
        elif number == _DATA_LOCATION:
            expect(kind, VARINT)
            # Parsers differ in what they make of values that ONNX does not know.
            elsewhere |= any(byte & 0x7F for byte in wire.data[at:end])
        elif number in MESSAGES[_TENSOR]:
            expect(kind, LENGTH)
            elsewhere = True
            key, value = wire.entry(at, end, _LONGEST_NAME)
            locations += [value] if key == "location" else []
    # More than one: a parser takes one of them, which one is its own affair.
    for location in locations or [""] * elsewhere:
        yield ExternalTensor(name, location)
