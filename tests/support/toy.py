"""A network that answers in a millisecond, for tests of everything but its numbers."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper
from rtx import describe

from edgeecho.bundle.manifest import METADATA_KEY
from edgeecho.preprocess import PreprocessSpec

SPEC = PreprocessSpec((30, 30, 30), (50, 50, 50))


def write_toy(
    path: Path, spec: PreprocessSpec = SPEC, *, name: str = "toy", version: str = "1"
) -> Path:
    """Clips -> `ef (b,)`, 55 + 10 * the clip's mean, so that each video has another, and
    `embedding (b, 3)`; with the metadata that export writes."""
    shape = ["batch", 3, spec.frames, spec.size, spec.size]
    tensors = {"clip": shape, "ef": ["batch"], "embedding": ["batch", 3]}
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
    facts = {"name": name, "version": version, "precision": "fp32", "preprocess": spec.to_dict()}
    helper.set_model_props(model, {METADATA_KEY: json.dumps(facts)})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def toy_bundle(folder: Path) -> Path:
    """With a manifest, as fp32.onnx."""
    folder.mkdir()
    write_toy(folder / "fp32.onnx")
    return describe(folder)
