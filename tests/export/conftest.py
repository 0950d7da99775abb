from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from edgeecho_train.network import R2Plus1D18

_TRACED: dict[str, bytes] = {}


@pytest.fixture(scope="module", autouse=True)
def traced_once() -> Iterator[None]:
    """PyTorch traces the same weights for clips of the same shape once in a process, not each time.

    That is most of the time of an export of the narrow network. test_to_onnx.py, which is about
    the tracing, does without.
    """
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    from edgeecho_export.recipes import fp32

    trace = fp32._trace

    def remembered(network: Any, spec: Any) -> Any:
        found = hashlib.sha256(f"{network.width} {spec.frames} {spec.size}".encode())
        for tensor in network.state_dict().values():
            found.update(tensor.numpy())
        if (key := found.hexdigest()) not in _TRACED:
            _TRACED[key] = trace(network, spec).SerializeToString()
        return onnx.ModelProto.FromString(_TRACED[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fp32, "_trace", remembered)
        yield


@pytest.fixture(scope="module")
def network() -> R2Plus1D18:
    from small_network import small_network

    return small_network()


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    rng = np.random.default_rng(0)
    scale = np.linspace(0.2, 3, 4).reshape(-1, 1, 1, 1, 1)
    return (rng.standard_normal((4, 3, 16, 56, 56)) * scale).astype(np.float32)


@pytest.fixture(scope="module")
def fp32(network: R2Plus1D18, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from small_network import SPEC

    from edgeecho_export.recipes.fp32 import write_onnx

    path = tmp_path_factory.mktemp("onnx") / "fp32.onnx"
    write_onnx(path, network, SPEC, name="tiny", version="1")
    return path
