"""The graph that ONNX Runtime offers a GPU's provider, by the real one on the CPU."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import onnx
import onnxruntime

from edgeecho.engines.onnxruntime.gpu import session_options

MASK_KERNELS = frozenset(
    ("Add", "Conv", "HardSigmoid", "Mul", "ReduceMean", "Relu", "Resize", "Sigmoid", "Squeeze")
)
"""What a segmentation of lraspp_mobilenet_v3_large becomes; a HardSwish is taken apart."""


def offered(file: Path, provider: str | None, out: Path) -> Any:
    """The file after the rules that depend on no provider, which come before any is asked.

    With edgeecho's options for `provider`, or (None) with none. The graph is written to `out`.
    """
    options = onnxruntime.SessionOptions()
    if provider:
        options = session_options(onnxruntime, provider)
        # The CPU stands in. (ONNX Runtime warns that this overwrites what was said before.)
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "0")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(out)
    onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return onnx.load(out).graph


def operators(graph: Any) -> Counter[str]:
    """Number of nodes by operator; a DequantizeLinear of a constant with the constant's type."""
    kind = onnx.TensorProto.DataType.Name
    constants = {one.name: kind(one.data_type) for one in graph.initializer}
    return Counter(
        f"{node.op_type} {constants[node.input[0]]}"
        if node.op_type == "DequantizeLinear" and node.input[0] in constants
        else node.op_type
        for node in graph.node
    )
