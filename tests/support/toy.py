"""A real ONNX model that answers a clip of any model's shape in a millisecond."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from edgeecho.bundle.manifest import METADATA_KEY
from edgeecho.preprocess import PreprocessSpec


def write_toy(path: Path, spec: PreprocessSpec, *, name: str = "toy", version: str = "1") -> Path:
    """`ef = 55 + mean of the clip`, `embedding` the mean, and the metadata that export writes."""
    nodes = [
        helper.make_node("ReduceMean", ["clip", "axes"], ["mean"], keepdims=0),
        helper.make_node("Add", ["mean", "constant"], ["ef"]),
        helper.make_node("Unsqueeze", ["mean", "last"], ["embedding"]),
    ]
    shape = ["batch", 3, spec.frames, spec.size, spec.size]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("clip", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info("ef", TensorProto.FLOAT, ["batch"]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 1]),
        ],
        [
            helper.make_tensor("axes", TensorProto.INT64, [4], [1, 2, 3, 4]),
            helper.make_tensor("constant", TensorProto.FLOAT, [], [55.0]),
            helper.make_tensor("last", TensorProto.INT64, [1], [1]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    facts = {"name": name, "version": version, "precision": "fp32", "preprocess": spec.to_dict()}
    helper.set_model_props(model, {METADATA_KEY: json.dumps(facts)})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
