"""PyTorch to ONNX: batch dynamic and nothing else, batch norms folded, nothing private inside."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path

import onnx
import torch

from edgeecho.bundle.manifest import METADATA_KEY
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.network import R2Plus1D18

# onnxruntime's static INT8 takes no opset above 20, and TensorRT 10.3 knows this one whole.
OPSET = 18


def write_onnx(
    path: Path, network: R2Plus1D18, spec: PreprocessSpec, *, name: str, version: str
) -> None:
    """Write `network` as one ONNX file: `clip (batch, 3, T, S, S)` -> `ef (batch,)`.

    The preprocessing goes into metadata_props, so that the file runs without its bundle.
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


def _trace(network: R2Plus1D18, spec: PreprocessSpec) -> onnx.ModelProto:
    # Batch 2: the exporter takes a batch of 1 for a constant.
    example = torch.zeros(2, 3, spec.frames, spec.size, spec.size)
    # The exporter's optimiser says on stderr what it folds; that is no news to a user.
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (example,),
            input_names=["clip"],
            output_names=["ef"],
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
    (clip,), (ef,) = model.graph.input, model.graph.output
    dimensions = clip.type.tensor_type.shape.dim
    if [d.HasField("dim_param") for d in dimensions] != [True, False, False, False, False]:
        raise RuntimeError(f"only the batch may be dynamic, got {dimensions}")
    if (clip.name, ef.name) != ("clip", "ef"):
        raise RuntimeError(f"expected clip -> ef, got {clip.name} -> {ef.name}")
    kinds = {value.type.tensor_type.elem_type for value in (clip, ef)}
    if kinds != {onnx.TensorProto.FLOAT}:
        raise RuntimeError("input and output must be FP32")


def _check(model: onnx.ModelProto) -> None:
    check_dynamic_batch(model)
    operators = {node.op_type for node in model.graph.node}
    if "BatchNormalization" in operators:
        raise RuntimeError("a batch normalisation was not folded into its convolution")
