"""What ONNX Runtime makes of an INT8 graph before it looks for kernels, by the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
from offered import offered, operators

from edgeecho.bundle import DEMO
from edgeecho.engines.onnxruntime import CUDA, TENSORRT

pytestmark = pytest.mark.slow

FILE = DEMO / "int8.onnx"


def test_left_alone_it_makes_int32_of_biases(tmp_path: Path) -> None:
    found = operators(offered(FILE, None, tmp_path / "a.onnx"))
    assert found["DequantizeLinear INT32"] == 24, "CUDA has no kernel for these"


def test_cuda_is_offered_float_weights_and_only_operators_that_it_has(tmp_path: Path) -> None:
    graph = offered(FILE, CUDA, tmp_path / "a.onnx")
    # `make test-ort-gpu` looks for these in the provider's library.
    assert operators(graph) == {
        "Conv": 37, "Relu": 34, "QuantizeLinear": 32, "DequantizeLinear": 32, "Add": 8,
        "ReduceMean": 1, "Reshape": 1, "Gemm": 1, "Squeeze": 1,
    }  # fmt: skip
    zero_points = {node.input[2] for node in graph.node if node.op_type.endswith("tizeLinear")}
    kinds = {one.name: one.data_type for one in graph.initializer}
    assert {kinds[name] for name in zero_points} == {onnx.TensorProto.INT8}


def test_tensorrt_is_offered_int8_weights_and_float_biases(tmp_path: Path) -> None:
    found = operators(offered(FILE, TENSORRT, tmp_path / "a.onnx"))
    assert "DequantizeLinear INT32" not in found
    assert found["DequantizeLinear INT8"] == 35
