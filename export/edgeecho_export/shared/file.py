"""A shared graph as a file that reads its weights from the plain one, so each is stored once."""

from __future__ import annotations

import json
import math
from pathlib import Path

import onnx
from onnx import ModelProto, TensorProto
from onnx.external_data_helper import set_external_data

from edgeecho.bundle import SharedCost
from edgeecho.bundle.manifest import METADATA_KEY
from edgeecho_export.graph import drop_unused
from edgeecho_export.shared.graph import share

_INLINE = 4096
"""Bytes; smaller tensors are stored in the file itself."""


def write_shared(plain: Path) -> tuple[Path, SharedCost]:
    """Write the shared graph of `NAME.onnx` as `NAME-shared.onnx` into its folder.

    Weights stay in the plain file: ONNX's external data give a file, an offset and a length, and in
    a protobuf file a tensor's bytes are contiguous. The shared file therefore needs the plain one
    beside it. `UsageError` if clips are too short to share anything.
    """
    model = share(onnx.load(plain))
    drop_unused(model)
    cost = _count(model, onnx.load(plain, load_external_data=False))
    facts = next(json.loads(p.value) for p in model.metadata_props if p.key == METADATA_KEY)
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps({**facts, "shared": True})})
    onnx.checker.check_model(model, full_check=True)
    content = plain.read_bytes()
    for tensor in model.graph.initializer:
        _refer(tensor, content, plain.name)
    path = plain.with_name(f"{plain.stem}-shared.onnx")
    path.write_bytes(model.SerializeToString())
    onnx.checker.check_model(path)  # as a reader sees it, external data included
    return path, cost


def _refer(tensor: TensorProto, content: bytes, file: str) -> None:
    raw = tensor.raw_data
    if len(raw) < _INLINE:
        return
    offset = content.find(raw)
    if offset < 0:
        raise RuntimeError(f"the bytes of {tensor.name} are not in {file}")
    set_external_data(tensor, file, offset=offset, length=len(raw))
    tensor.ClearField("raw_data")


def _count(shared: ModelProto, plain: ModelProto) -> SharedCost:
    """Multiply-adds of the convolutions; for `shared` they are linear in frames and clips."""
    (clip,) = plain.graph.input
    batch, _, frames, *_ = clip.type.tensor_type.shape.dim
    length = frames.dim_value

    def asked(frames: int, clips: int) -> float:
        return _giga_macs(shared, {"frames": frames, "clips": clips})

    least = asked(length, 1)
    frame = (asked(length + 2, 1) - least) / 2
    more = asked(length, 2) - least
    fixed = least - length * frame - more
    return SharedCost(frame, more, fixed, plain=_giga_macs(plain, {batch.dim_param: 1}))


def _giga_macs(model: ModelProto, sizes: dict[str, int]) -> float:
    model = ModelProto.FromString(model.SerializeToString())
    for value in (*model.graph.input, *model.graph.output):
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param:
                dimension.dim_value = sizes[dimension.dim_param]
    del model.graph.value_info[:]
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.value_info}
    weights = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:  # a quantized or rounded weight comes from a node of its own
        if node.input and node.input[0] in weights and node.op_type in ("DequantizeLinear", "Cast"):
            weights[node.output[0]] = weights[node.input[0]]
    macs: int = sum(
        math.prod(shapes[node.output[0]]) * math.prod(weights[node.input[1]][1:])
        for node in graph.node
        if node.op_type == "Conv"
    )
    return macs / 1e9
