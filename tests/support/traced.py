"""Exports that do not trace, which is most of the time of an export of a narrow network.

What PyTorch makes of the EF network is the same graph for every width and clip. It traces one for
all tests; weights and shapes are put into that, with the batch norms folded as the exporter folds
them. tests/export/test_to_onnx.py, which is about the tracing, does without, and holds this to the
bytes of a true trace. A segmentation is traced once for the same weights and size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import made_file

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "best.pt"

AS_PROCESS = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    "from traced import traced_once\n"
    "from edgeecho.cli.app import main\n"
    "with traced_once(): main()\n"
)
"""For `python -c`: the command line in a process whose exports do not trace."""


@contextmanager
def traced_once() -> Iterator[None]:
    from edgeecho_export.recipes import fp32
    from edgeecho_export.segmentation import graph

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fp32, "_trace", _standing_in(fp32._trace))
        patch.setattr(graph, "_trace", _remembering(graph._trace))
        yield


Trace = Callable[[Any, Any], Any]


def _standing_in(trace: Trace) -> Trace:
    @cache
    def kept() -> bytes:
        return made_file("trace.onnx", make).read_bytes()

    def make(path: Path) -> None:
        from edgeecho_export.checkpoint import CheckpointOptions, read_checkpoint

        source = read_checkpoint(NARROW, CheckpointOptions())
        path.write_bytes(trace(source.network, source.preprocess).SerializeToString())

    return lambda network, spec: _filled(kept(), network, spec)


def _remembering(trace: Trace) -> Trace:
    import onnx

    def remembered(network: Any, spec: Any) -> Any:
        def make(path: Path) -> None:
            path.write_bytes(trace(network, spec).SerializeToString())

        found = hashlib.sha256(f"{type(network).__name__} {spec.size}".encode())
        for name, tensor in network.state_dict().items():
            found.update(f"{name} {tuple(tensor.shape)}".encode())
            found.update(tensor.numpy())
        name = f"{found.hexdigest()[:16]}.onnx"
        return onnx.ModelProto.FromString(made_file(name, make).read_bytes())

    return remembered


def _filled(trace: bytes, network: Any, spec: Any) -> Any:
    """The trace as if it were that of `network`, for clips of `spec`."""
    import onnx

    model = onnx.ModelProto.FromString(trace)
    graph, weights, features = model.graph, _folded(network), network.fc.in_features
    for tensor in graph.initializer:
        if tensor.name in weights:
            value = weights.pop(tensor.name)
            tensor.CopyFrom(onnx.numpy_helper.from_array(value, tensor.name))
            tensor.doc_string = ""  # as every tensor of a trace has it
        elif list(tensor.dims) == [2]:  # the shape of the features
            value = np.array([-1, features])
            tensor.CopyFrom(onnx.numpy_helper.from_array(value, tensor.name))
            tensor.doc_string = ""
    assert not weights, f"the trace has no place for {sorted(weights)}"
    _shape(graph.input[0], [0, 3, spec.frames, spec.size, spec.size])
    _shape(graph.output[1], [0, features])
    values = list(graph.value_info)
    del graph.value_info[:]
    told = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    dims = {value.name: value.type.tensor_type.shape.dim for value in told.value_info}
    shapes = {name: [dim.dim_value for dim in shape] for name, shape in dims.items()}
    shapes |= {tensor.name: tensor.dims for tensor in graph.initializer}
    for value in values:
        _shape(value, shapes[value.name])
    graph.value_info.extend(values)
    return model


def _shape(value: Any, shape: Sequence[int]) -> None:
    """But for a batch, which is 0 in `shape`."""
    for dim, size in zip(value.type.tensor_type.shape.dim, shape, strict=True):
        if size:
            dim.dim_value = size


def _folded(network: Any) -> dict[str, np.ndarray]:
    """The tensors of the trace: each convolution takes in the batch norm that follows it."""
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in state))
    found = {"fc.weight": state["fc.weight"], "fc.bias": state["fc.bias"]}
    for layer, norm in pairwise(layers):
        weight = state[f"{layer}.weight"]
        if weight.ndim == 5:
            parts = ("weight", "bias", "running_mean", "running_var")
            gamma, beta, mean, var = (state[f"{norm}.{part}"] for part in parts)
            scale = gamma / np.sqrt(var + 1e-5)
            found[f"{layer}.weight"] = weight * scale.reshape(-1, 1, 1, 1, 1)
            found[f"{layer}.weight_bias"] = (0 * mean - mean) * scale + beta
    return found
