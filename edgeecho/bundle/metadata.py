"""What the writer of an ONNX file says of it, in `ModelProto.metadata_props`."""

from __future__ import annotations

from pathlib import Path

from edgeecho.bundle.wire import LENGTH, expect, open_wire

_METADATA_PROPS = 14
# What `edgeecho export` writes has 700 bytes.
_LONGEST = 1_000_000


def read_metadata(path: Path) -> dict[str, str]:
    """By key; `ModelError` where the file is no ONNX, or says two things under one key."""
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
