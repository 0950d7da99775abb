"""FP32 ONNX to INT8 with onnxruntime's quantizer: explicit QuantizeLinear and DequantizeLinear.

The graph follows the rules of TensorRT's parser: symmetric, per channel for weights and per
tensor for activations, scales in FP32, all zero-points 0, no quantized bias, nothing between a
convolution and its ReLU; the stem and the head stay in float. The quantizer is given ranges that
were collected one clip at a time (`edgeecho_calibration.ranges`), because its own calibration
keeps all activations of all clips in memory.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import onnx

from edgeecho_calibration.floating import return_to_float
from edgeecho_export.checks.lint import check_qdq
from edgeecho_export.graph import (
    POOLINGS,
    check_graph,
    head_convolutions,
    set_precision,
    stem_convolutions,
)

_OPTIONS = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "QuantizeBias": False,
    "OpTypesToExcludeOutputQuantization": ["Conv"],
}


def shift_answers(int8: Path, points: float) -> None:
    """Add `points`, in EF points, to every EF of the file `int8` through its head's bias."""
    model = onnx.load(int8)
    (head,) = (node for node in model.graph.node if node.op_type == "Gemm")
    (bias,) = (tensor for tensor in model.graph.initializer if tensor.name == head.input[2])
    shifted = onnx.numpy_helper.to_array(bias) + np.float32(points)
    bias.CopyFrom(onnx.numpy_helper.from_array(shifted, bias.name))
    onnx.save(model, int8)


def write_int8(
    fp32: Path, path: Path, ranges: Mapping[str, float], float_layers: Collection[str] = ()
) -> None:
    """Convert `fp32` to INT8 and write it to `path`.

    `ranges`: the largest |value| that INT8 can hold, for each quantized tensor. `float_layers`:
    further convolutions that stay in float, named as in a sensitivity analysis.
    """
    from onnxruntime.quantization import QDQQuantizer, QuantType
    from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData

    model = onnx.load(fp32)
    floating = stem_convolutions(model) | head_convolutions(model)
    names = {node.name: node.output[0] for node in model.graph.node if node.op_type == "Conv"}
    if len(set(names.values())) != sum(node.op_type == "Conv" for node in model.graph.node):
        raise RuntimeError("expected convolutions that have a name each")
    data = {
        name: TensorData(lowest=np.array(-top, np.float32), highest=np.array(top, np.float32))
        for name, top in ranges.items()
    }
    quantizer = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt8,
        # The named method makes no difference, since the ranges are given.
        tensors_range=TensorsData(CalibrationMethod.MinMax, data),
        nodes_to_quantize=[],
        nodes_to_exclude=[name for name, output in names.items() if output in floating],
        op_types_to_quantize=["Conv"],
        extra_options=_OPTIONS,
    )
    # On the root logger it advises a preparation that folding has made needless.
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        quantizer.quantize_model()
    finally:
        logging.getLogger().setLevel(level)
    quantizer.model.topological_sort()
    _free_poolings(quantizer.model.model)
    quantized = return_to_float(quantizer.model.model, onnx.load(fp32), float_layers)
    set_precision(quantized, "int8")
    check_qdq(quantized, path.name)
    check_graph(quantized)
    onnx.save(quantized, path)


def _free_poolings(model: onnx.ModelProto) -> None:
    """Let every pooling read the float tensor, where a convolution reads the same one in INT8."""
    made = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        source = made.get(node.input[0]) if node.op_type in POOLINGS else None
        if source is not None and source.op_type == "DequantizeLinear":
            node.input[0] = made[source.input[0]].input[0]
