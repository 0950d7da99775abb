"""Reading the metadata of an ONNX file, `ModelProto.metadata_props`."""

from __future__ import annotations

from pathlib import Path

from edgeecho.bundle.wire import LENGTH, expect, open_wire

_METADATA_PROPS = 14
# `edgeecho export` writes 700 bytes.
_LONGEST = 1_000_000


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata by key; `ModelError` if the file is not ONNX, or has two values for a key."""
    found: dict[str, str] = {}
    with open_wire(path) as wire:
        for number, kind, at, end in wire.fields(0, len(wire.data)):
            if number != _METADATA_PROPS:
                continue
            expect(kind, LENGTH)
            key, value = wire.entry(at, end, _LONGEST)
            if found.setdefault(key, value) != value:
                raise ValueError("its metadata contradict themselves")
    return found
