"""What every network of ours goes through from PyTorch to ONNX."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence

import onnx
import torch
from torch import Tensor, nn

from edgeecho_export.graph import OPSET


def trace(
    network: nn.Module, example: Tensor, input_name: str, outputs: Sequence[str]
) -> onnx.ModelProto:
    """A network in eval mode as ONNX with a dynamic batch, its batch norms folded.

    `example` must have a batch of 2: the exporter treats a batch of 1 as a constant.
    """
    # The exporter's optimiser logs what it folds, which no user needs.
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (example,),
            input_names=[input_name],
            output_names=list(outputs),
            opset_version=OPSET,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            optimize=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    model = program.model_proto
    _strip(model)
    if any(node.op_type == "BatchNormalization" for node in model.graph.node):
        raise RuntimeError("a batch normalisation was not folded into its convolution")
    return model


def _strip(model: onnx.ModelProto) -> None:
    # The exporter stores stack traces with this machine's paths in every node.
    graph = model.graph
    for item in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""
    del graph.metadata_props[:]
    del model.metadata_props[:]
