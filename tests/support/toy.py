"""A network that answers in a millisecond, for tests of everything but its numbers."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper
from rtx import describe


def toy_bundle(folder: Path) -> Path:
    """Clips `(b, 3, 32, 112, 112)` -> `ef (b,)`, 55 + 10 * the clip's mean, so that each video has
    another, and `embedding (b, 3)`."""
    tensors = {"clip": ["batch", 3, 32, 112, 112], "ef": ["batch"], "embedding": ["batch", 3]}
    clip, *outputs = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in tensors.items()
    )
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["clip", "pixels"], ["embedding"], keepdims=0),
            helper.make_node("ReduceMean", ["embedding", "colours"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "ten"], ["scaled"]),
            helper.make_node("Add", ["scaled", "constant"], ["ef"]),
        ],
        "toy",
        [clip],
        outputs,
        [
            helper.make_tensor("pixels", TensorProto.INT64, [3], [2, 3, 4]),
            helper.make_tensor("colours", TensorProto.INT64, [1], [1]),
            helper.make_tensor("ten", TensorProto.FLOAT, [], [10.0]),
            helper.make_tensor("constant", TensorProto.FLOAT, [], [55.0]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    folder.mkdir()
    onnx.save(model, folder / "fp32.onnx")
    return describe(folder)
