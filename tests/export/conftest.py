from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from traced import traced_once

if TYPE_CHECKING:
    from edgeecho_train.network import R2Plus1D18


@pytest.fixture(scope="module", autouse=True)
def traced() -> Iterator[None]:
    pytest.importorskip("onnxscript")
    with traced_once():
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
