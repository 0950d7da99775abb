"""PyTorch traces the same weights for inputs of the same shape once for all tests, not each time.

That is most of the time of an export of a narrow network. tests/export/test_to_onnx.py, which is
about the tracing, does without, and so do the tests that start `edgeecho export` as a process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from made import made_file


@contextmanager
def traced_once() -> Iterator[None]:
    from edgeecho_export.recipes import fp32
    from edgeecho_export.segmentation import graph

    with pytest.MonkeyPatch.context() as patch:
        for module in (fp32, graph):
            patch.setattr(module, "_trace", _remembering(module._trace))
        yield


def _remembering(trace: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    import onnx

    @cache
    def kept(key: str) -> bytes:
        def make(path: Path) -> None:
            path.write_bytes(trace(*asked[key]).SerializeToString())

        return made_file(f"{key}.onnx", make).read_bytes()

    asked: dict[str, tuple[Any, Any]] = {}

    def remembered(network: Any, spec: Any) -> Any:
        found = hashlib.sha256(f"{type(network).__name__} {spec.frames} {spec.size}".encode())
        for name, tensor in network.state_dict().items():
            found.update(f"{name} {tuple(tensor.shape)}".encode())
            found.update(tensor.numpy())
        key = found.hexdigest()[:16]
        asked[key] = network, spec
        return onnx.ModelProto.FromString(kept(key))

    return remembered
