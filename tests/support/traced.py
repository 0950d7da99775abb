"""PyTorch traces the same weights for clips of the same shape once for all tests, not each time.

That is most of the time of an export of a narrow network. tests/export/test_to_onnx.py, which is
about the tracing, does without, and so do the tests that start `edgeecho export` as a process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from made import made_file


@contextmanager
def traced_once() -> Iterator[None]:
    import onnx

    from edgeecho_export.recipes import fp32

    trace = fp32._trace

    @cache
    def kept(key: str) -> bytes:
        def make(path: Path) -> None:
            path.write_bytes(trace(*asked[key]).SerializeToString())

        return made_file(f"{key}.onnx", make).read_bytes()

    asked: dict[str, tuple[Any, Any]] = {}

    def remembered(network: Any, spec: Any) -> Any:
        found = hashlib.sha256(f"{network.width} {spec.frames} {spec.size}".encode())
        for tensor in network.state_dict().values():
            found.update(tensor.numpy())
        key = found.hexdigest()[:16]
        asked[key] = network, spec
        return onnx.ModelProto.FromString(kept(key))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fp32, "_trace", remembered)
        yield
