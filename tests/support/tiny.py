"""A network of one convolution in a bundle of two precisions, for tests of everything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from rtx import describe

SHAPE = (3, 4, 8, 8)


def write_tiny(
    path: Path, *, bias: float = 50.0, outputs: tuple[str, ...] = ("embedding", "ef")
) -> Path:
    """Clips `(b, 3, 4, 8, 8)` -> `ef (b,)` near `bias`, and `embedding (b, 4)`.

    Not in the order of our own files, whose outputs are to be asked for by name.
    """
    rng = np.random.default_rng(5)
    constants = {
        "stem.0.weight": rng.standard_normal((4, 3, 1, 3, 3)).astype(np.float32),
        "head.weight": rng.standard_normal((4, 1)).astype(np.float32),
        "head.bias": np.full(1, bias, np.float32),
        "axes": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["clip", "stem.0.weight"], ["a"], "node_conv"),
        helper.make_node("GlobalAveragePool", ["a"], ["b"]),
        helper.make_node("Flatten", ["b"], ["embedding"]),
        helper.make_node("Gemm", ["embedding", "head.weight", "head.bias"], ["c"]),
        helper.make_node("Squeeze", ["c", "axes"], ["ef"]),
    ]
    tensors = {"clip": ["batch", *SHAPE], "embedding": ["batch", 4], "ef": ["batch"]}
    clip, *made = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, tensors[name])
        for name in ("clip", *outputs)
    )
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, path.stem, [clip], made, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path)
    return path


def tiny_bundle(folder: Path) -> Path:
    folder.mkdir()
    for precision in ("fp32", "fp16"):
        write_tiny(folder / f"{precision}.onnx")
    return describe(folder)
