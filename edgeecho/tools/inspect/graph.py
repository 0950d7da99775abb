"""Finding a network's stages in its graph, from shapes and names, not from values.

So it makes no difference whether a weight is a constant or comes from a cast (FP16) or a
DequantizeLinear (INT8), which OpenVINO's reader turns into Convert, Subtract and Multiply.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgeecho.tools.inspect.types import STAGES, WHOLE, NetworkStage

# The product of a filter's dimensions from this axis on is the multiply-accumulates per output
# value: Convolution has (O, I, ...), GroupConvolution (groups, O, I, ...).
_FILTER_INPUTS = {"Convolution": 1, "GroupConvolution": 2}


@dataclass(frozen=True)
class _Product:
    """One convolution or matrix product."""

    constants: frozenset[str]
    """Names of the constants that its weight is computed from; empty if both factors are
    activations."""
    output_shape: tuple[int, ...] | None
    weights: int
    bias: int
    macs: int | None

    @property
    def stage(self) -> str | None:
        """The stage that all names of its weight belong to; None if they are not named as ours."""
        found = {STAGES.get(name.partition(".")[0]) for name in self.constants if "." in name}
        return found.pop() if len(found) == 1 else None


def network_stages(model: Any) -> tuple[NetworkStage, ...]:
    """The stages of an `openvino.Model`, for a batch of 1 if the batch is dynamic.

    If the weights are not all named as in r2plus1d_18, the result is one stage, `WHOLE`.
    """
    _set_batch(model)
    products = _once(_product(op) for op in model.get_ordered_ops() if _is_product(op))
    groups: dict[str, list[_Product]] = {}
    for product in products:
        groups.setdefault(product.stage or WHOLE, []).append(product)
    if list(groups) != list(STAGES.values()):
        groups = {WHOLE: products}
    stages: list[NetworkStage] = []
    shape = _shape(model.inputs[0]) if model.inputs else None
    for name, members in groups.items():
        # A stage ends with its last convolution: except for pooling, what follows keeps the shape.
        last = name == next(reversed(groups))
        output = _answer_shape(model.outputs) if last else members[-1].output_shape
        stages.append(_stage(name, shape, output, members))
        shape = output
    return tuple(stages)


def _stage(name: str, shape: Any, output: Any, members: list[_Product]) -> NetworkStage:
    known = [product.macs for product in members if product.macs is not None]
    return NetworkStage(
        name=name,
        input_shape=shape,
        output_shape=output,
        parameters=sum(product.weights + product.bias for product in members),
        macs=sum(known) if len(known) == len(members) else None,
    )


def _set_batch(model: Any) -> None:
    shapes = {port: port.get_partial_shape() for port in model.inputs}
    for shape in shapes.values():
        if shape.rank.is_static and len(shape) and shape[0].is_dynamic:
            shape[0] = 1
    try:
        model.reshape(shapes)
    except RuntimeError:
        # A foreign network that takes no batch of 1: its shapes stay open and are reported so.
        return


def _is_product(op: Any) -> bool:
    return op.get_type_name() in {*_FILTER_INPUTS, "MatMul"}


def _product(op: Any) -> _Product:
    first = _FILTER_INPUTS.get(op.get_type_name())
    # The weight is a convolution's second input; in a matrix product it may be either.
    sources = [op.input_value(1)] if first else [op.input_value(1), op.input_value(0)]
    constants, weight = next(
        ((names, port) for port in sources if (names := _constants(port))), (frozenset(), None)
    )
    output = _shape(op.output(0))
    inner = _inner(op) if first is None else _volume(_shape(sources[0]), first)
    return _Product(
        constants=constants,
        output_shape=output,
        weights=(_volume(_shape(weight)) or 0) if weight else 0,
        bias=_bias(op),
        macs=None if output is None or inner is None else math.prod(output) * inner,
    )


def _inner(op: Any) -> int | None:
    """Inner dimension of a matrix product."""
    shape = _shape(op.input_value(0))
    if not shape:
        return None
    transposed = op.get_attributes().get("transpose_a") and len(shape) > 1
    return shape[-2] if transposed else shape[-1]


def _bias(op: Any) -> int:
    """Number of constants that the next addition adds to `op`; 0 if there are none."""
    for _ in range(2):
        targets = [t for t in op.output(0).get_target_inputs() if not _reads_shape(t.get_node())]
        if len(targets) != 1:
            return 0
        op = targets[0].get_node()
        other = op.input_value(1 - targets[0].get_index()) if op.get_input_size() == 2 else None
        if other is None or not _constants(other):
            return 0
        if op.get_type_name() == "Add":
            return _volume(_shape(other)) or 0
        if op.get_type_name() != "Multiply":  # OpenVINO writes the alpha of ONNX's Gemm as one
            return 0
    return 0


def _constants(port: Any) -> frozenset[str]:
    """Names of the constants that `port` is computed from; empty if it also depends on an input."""
    names, waiting, seen = set(), [port.get_node()], set()
    while waiting:
        node = waiting.pop()
        kind, name = node.get_type_name(), node.get_friendly_name()
        if kind == "Parameter":
            return frozenset()
        if kind == "Constant":
            names.add(name)
        if name not in seen and not _reads_shape(node):
            waiting += [source.get_node() for source in node.input_values()]
        seen.add(name)
    return frozenset(names)


def _reads_shape(node: Any) -> bool:
    """Whether a node uses only the shape of its input, which may then be an activation."""
    return bool(node.get_type_name() == "ShapeOf")


def _once(products: Iterator[_Product]) -> list[_Product]:
    """The products, with a weight that several share counted in the first only."""
    seen: set[frozenset[str]] = set()
    found = []
    for product in products:
        shared = product.constants in seen
        found.append(replace(product, weights=0, bias=0) if shared else product)
        seen.add(product.constants)
    return found


def _answer_shape(ports: Sequence[Any]) -> tuple[int, ...] | None:
    """Shape of the output `ef`, or of the first output if none has that name."""
    ordered = sorted(ports, key=lambda port: "ef" not in port.get_names())
    return _shape(ordered[0]) if ordered else None


def _shape(port: Any) -> tuple[int, ...] | None:
    shape = port.get_partial_shape()
    return tuple(shape.to_shape()) if shape.is_static else None


def _volume(shape: tuple[int, ...] | None, start: int = 0) -> int | None:
    return None if shape is None else math.prod(shape[start:])
