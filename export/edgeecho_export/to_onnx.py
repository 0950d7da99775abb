"""PyTorch to ONNX: batch dynamic and nothing else, batch norms folded, nothing private inside."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor

from edgeecho.bundle.manifest import METADATA_KEY
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.network import R2Plus1D18

# onnxruntime's static INT8 takes no opset above 20, and TensorRT 10.3 knows this one whole.
OPSET = 18
OUTPUTS = ("ef", "embedding")


def write_onnx(
    path: Path, network: R2Plus1D18, spec: PreprocessSpec, *, name: str, version: str
) -> None:
    """Write `network` as one ONNX file.

    `clip (batch, 3, T, S, S)` -> `ef (batch,)` in %, `embedding (batch, 512 * width)`, the pooled
    features that the head reads; all FP32. The preprocessing goes into metadata_props, so that the
    file runs without its bundle.
    """
    model = _trace(network, spec)
    _strip(model)
    facts = {
        "name": name,
        "version": version,
        "precision": "fp32",
        "preprocess": spec.to_dict(),
    }
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(facts)})
    _check(model)
    onnx.save(model, path)


class _WithEmbedding(R2Plus1D18):
    def forward(self, clip: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        features = self.features(clip)
        return self.head(features), features


def _trace(network: R2Plus1D18, spec: PreprocessSpec) -> onnx.ModelProto:
    with torch.device("meta"):
        traced = _WithEmbedding(network.width)
    # The weights themselves, no copies.
    traced.load_state_dict(network.state_dict(), assign=True)
    # Batch 2: the exporter takes a batch of 1 for a constant.
    example = torch.zeros(2, 3, spec.frames, spec.size, spec.size)
    # The exporter's optimiser says on stderr what it folds; that is no news to a user.
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            traced.eval(),
            (example,),
            input_names=["clip"],
            output_names=list(OUTPUTS),
            opset_version=OPSET,
            dynamic_shapes={"clip": {0: torch.export.Dim("batch")}},
            dynamo=True,
            optimize=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    return program.model_proto


def _strip(model: onnx.ModelProto) -> None:
    # The exporter writes stack traces with this machine's paths beside every node.
    graph = model.graph
    for item in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""
    del graph.metadata_props[:]
    del model.metadata_props[:]


def set_precision(model: onnx.ModelProto, precision: str) -> None:
    """Say in metadata_props what a converted model is, and drop what the converter left there."""
    (facts,) = (json.loads(p.value) for p in model.metadata_props if p.key == METADATA_KEY)
    facts["precision"] = precision
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(facts)})


def check_dynamic_batch(model: onnx.ModelProto) -> None:
    """What engines rely on; a failure here is a bug, not a user's error."""
    onnx.checker.check_model(model, full_check=True)
    values = {value.name: value.type.tensor_type for value in model.graph.input}
    values |= {value.name: value.type.tensor_type for value in model.graph.output}
    if tuple(values) != ("clip", *OUTPUTS):
        raise RuntimeError(f"expected clip -> {', '.join(OUTPUTS)}, got {', '.join(values)}")
    for name, rank in (("clip", 5), ("ef", 1), ("embedding", 2)):
        dimensions = values[name].shape.dim
        if [d.HasField("dim_param") for d in dimensions] != [True, *[False] * (rank - 1)]:
            raise RuntimeError(f"only the batch of {name} may be dynamic, got {dimensions}")
    if {kind.elem_type for kind in values.values()} != {onnx.TensorProto.FLOAT}:
        raise RuntimeError("input and outputs must be FP32")
    if len({kind.shape.dim[0].dim_param for kind in values.values()}) != 1:
        raise RuntimeError("input and outputs must have one batch")


def _check(model: onnx.ModelProto) -> None:
    check_dynamic_batch(model)
    operators = {node.op_type for node in model.graph.node}
    if "BatchNormalization" in operators:
        raise RuntimeError("a batch normalisation was not folded into its convolution")
