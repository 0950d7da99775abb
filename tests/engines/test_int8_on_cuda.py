"""What ONNX Runtime makes of an INT8 graph before it looks for kernels, by the real one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
import onnxruntime

from edgeecho.bundle import DEMO
from edgeecho.engines.onnxruntime import CUDA, TENSORRT
from edgeecho.engines.onnxruntime.gpu import session_options

pytestmark = pytest.mark.slow

INT8 = onnx.TensorProto.INT8


def optimized(options: Any, out: Path) -> Any:
    """The demo's INT8 graph as a provider is offered it: the rules that depend on none were used.

    The CPU stands in for the provider; those rules come before any provider is asked.
    """
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(out)
    options.log_severity_level = 4  # it warns that what the next line says is overwritten
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "0")
    onnxruntime.InferenceSession(DEMO / "int8.onnx", options, providers=["CPUExecutionProvider"])
    return onnx.load(out).graph


def operators(graph: Any) -> Counter[str]:
    """Number of nodes by operator; a DequantizeLinear of a constant with the constant's type."""
    constants = {
        one.name: onnx.TensorProto.DataType.Name(one.data_type) for one in graph.initializer
    }
    return Counter(
        f"{node.op_type} {constants[node.input[0]]}"
        if node.op_type == "DequantizeLinear" and node.input[0] in constants
        else node.op_type
        for node in graph.node
    )


def test_left_alone_it_makes_int32_of_biases(tmp_path: Path) -> None:
    found = operators(optimized(onnxruntime.SessionOptions(), tmp_path / "a.onnx"))
    assert found["DequantizeLinear INT32"] == 24, "CUDA has no kernel for these"


def test_cuda_is_offered_float_weights_and_only_operators_that_it_has(tmp_path: Path) -> None:
    graph = optimized(session_options(onnxruntime, CUDA), tmp_path / "a.onnx")
    # `make test-ort-gpu` looks for these in the provider's library.
    assert operators(graph) == {
        "Conv": 37, "Relu": 34, "QuantizeLinear": 32, "DequantizeLinear": 32, "Add": 8,
        "ReduceMean": 1, "Reshape": 1, "Gemm": 1, "Squeeze": 1,
    }  # fmt: skip
    zero_points = {node.input[2] for node in graph.node if node.op_type.endswith("tizeLinear")}
    kinds = {one.name: one.data_type for one in graph.initializer}
    assert {kinds[name] for name in zero_points} == {INT8}


def test_tensorrt_is_offered_int8_weights_and_float_biases(tmp_path: Path) -> None:
    found = operators(optimized(session_options(onnxruntime, TENSORRT), tmp_path / "a.onnx"))
    assert "DequantizeLinear INT32" not in found
    assert found["DequantizeLinear INT8"] == 35
