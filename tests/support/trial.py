"""Makes edgeecho/engines/trial.onnx: python tests/support/trial.py"""

from __future__ import annotations

import json

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edgeecho.bundle.manifest import METADATA_KEY
from edgeecho.engines.trial import FILE
from edgeecho.preprocess import PreprocessSpec

SPEC = PreprocessSpec((0, 0, 0), (1, 1, 1), frames=2, period=1, size=2)


def trial() -> bytes:
    """A convolution that adds the colours, and the mean of what it gives."""
    constants = {
        "weight": np.ones((1, 3, 1, 1, 1), np.float32),
        "axes": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["clip", "weight"], ["sum"]),
        helper.make_node("GlobalAveragePool", ["sum"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["embedding"]),
        helper.make_node("Squeeze", ["embedding", "axes"], ["ef"]),
    ]
    shapes = {
        "clip": ["batch", 3, SPEC.frames, SPEC.size, SPEC.size],
        "ef": ["batch"],
        "embedding": ["batch", 1],
    }
    clip, *made = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    )
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "trial", [clip], made, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    facts = {"name": "trial", "version": "1", "precision": "fp32", "preprocess": SPEC.to_dict()}
    helper.set_model_props(model, {METADATA_KEY: json.dumps(facts)})
    return bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    FILE.write_bytes(trial())
