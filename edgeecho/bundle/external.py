"""Finding tensors of an ONNX file that have external data, which no hash covers.

An engine reads the external file silently, whoever changed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeecho.bundle.wire import LENGTH, VARINT, Wire, expect, open_wire
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
    with open_wire(path) as wire:
        return tuple(_external(wire))


def _external(wire: Wire) -> Iterator[ExternalTensor]:
    """Yield tensors with external data. Not recursive, because graphs may nest very deeply."""
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
            # Parsers treat unknown values differently.
            elsewhere |= any(byte & 0x7F for byte in wire.data[at:end])
        elif number in MESSAGES[_TENSOR]:
            expect(kind, LENGTH)
            elsewhere = True
            key, value = wire.entry(at, end, _LONGEST_NAME)
            locations += [value] if key == "location" else []
    # With several locations, parsers differ in which one they use.
    for location in locations or [""] * elsewhere:
        yield ExternalTensor(name, location)
