"""Reading the metadata of an ONNX file, `ModelProto.metadata_props`."""

from __future__ import annotations

from pathlib import Path

from edgeecho.bundle.wire import LENGTH, expect, open_wire

_METADATA_PROPS = 14
# `edgeecho export` writes 700 bytes.
_LONGEST = 1_000_000


def read_metadata(path: Path, key: str) -> str:
    """What stands under `key`; `KeyError` where nothing does.

    `ModelError` where the file is no ONNX, or says two things under that key.
    """
    found = set()
    with open_wire(path) as wire:
        for number, kind, at, end in wire.fields(0, len(wire.data)):
            if number != _METADATA_PROPS:
                continue
            expect(kind, LENGTH)
            name, value = wire.entry(at, end, _LONGEST)
            found |= {value} if name == key else set()
        if len(found) > 1:
            raise ValueError("its metadata contradict themselves")
    if not found:
        raise KeyError(key)
    return found.pop()
