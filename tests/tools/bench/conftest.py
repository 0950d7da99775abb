"""A real ONNX model, small enough to run in a millisecond, and a real video."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgeecho.preprocess import PreprocessSpec


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ef = 55 + mean of the clip`, with the metadata that export writes."""
    nodes = [
        helper.make_node("ReduceMean", ["clip", "axes"], ["mean"], keepdims=0),
        helper.make_node("Add", ["mean", "constant"], ["ef"]),
        helper.make_node("Unsqueeze", ["mean", "last"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("clip", TensorProto.FLOAT, ["batch", 3, 32, 112, 112])],
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
    facts = {
        "name": "tiny",
        "version": "1.2.3",
        "precision": "fp32",
        "preprocess": PreprocessSpec(mean=(30.0,) * 3, std=(50.0,) * 3).to_dict(),
    }
    helper.set_model_props(model, {"edgeecho.model": json.dumps(facts)})
    onnx.checker.check_model(model)
    path = tmp_path_factory.mktemp("folder-of-jane-doe") / "tiny.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """70 frames of 112x112 MJPG: 8 possible clips."""
    path = tmp_path_factory.mktemp("folder-of-jane-doe") / "beat.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 50.0, (112, 112))
    assert writer.isOpened()
    frames = np.random.default_rng(0).integers(0, 256, (70, 112, 112, 3), np.uint8)
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path
