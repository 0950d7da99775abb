"""ONNX graphs of a network with random weights, and INT8 versions of it, good and bad.

The INT8 graphs are made by onnxruntime's own `quantize_static` and not by the project's exporter,
so that the tests of lint and builder do not depend on it.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

from edgeecho.preprocess import PreprocessSpec
from edgeecho_export.padding import PAD
from edgeecho_export.recipes.fp32 import write_onnx
from edgeecho_train.network import R2Plus1D18


def write_random(path: Path, width: float, *, frames: int, size: int, pad: int = PAD) -> Path:
    """FP32 by the project's exporter; clips `(b, 3, frames, size, size)`."""
    torch.manual_seed(1)
    network = R2Plus1D18(width)
    # Batch norms that do something, so that folding them leaves biases.
    network(torch.randn(4, 3, 8, 32, 32))
    spec = PreprocessSpec((30, 30, 30), (50, 50, 50), frames, 2, size)
    write_onnx(path, network.eval(), spec, name="random", version="1", pad=pad)
    return path


class _Clips(CalibrationDataReader):
    def __init__(self, shape: tuple[int, ...], count: int) -> None:
        rng = np.random.default_rng(3)
        self._clips = iter(rng.random((count, 1, *shape)).astype(np.float32))

    def get_next(self) -> dict[str, np.ndarray] | None:
        clip = next(self._clips, None)
        return None if clip is None else {"clip": clip}


def quantize(fp32: Path, path: Path, *, clips: int = 1, **changes: Any) -> Path:
    """INT8 by the recipe that TensorRT takes; `changes` overrule its arguments and options."""
    model = onnx.load(fp32, load_external_data=False)
    shape = tuple(d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim)[1:]
    options = {
        "ActivationSymmetric": True,
        "WeightSymmetric": True,
        "QuantizeBias": False,
        "OpTypesToExcludeOutputQuantization": ["Conv"],
        "UseQDQContribOps": False,
    }
    options |= {key: changes.pop(key) for key in tuple(changes) if key in options}
    arguments: dict[str, Any] = {
        "quant_format": QuantFormat.QDQ,
        "per_channel": True,
        "activation_type": QuantType.QInt8,
        "weight_type": QuantType.QInt8,
        "op_types_to_quantize": ["Conv"],
        "nodes_to_exclude": [n.name for n in model.graph.node if n.op_type == "Conv"][:2],
    }
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        reader = _Clips(shape, clips)
        quantize_static(fp32, path, reader, **(arguments | changes), extra_options=options)
    finally:
        logging.getLogger().setLevel(level)
    return path
