from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import quantize, write_random
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantFormat, QuantType
from rtx import needs_rtx

from edgeecho.common.errors import ModelError
from edgeecho_export.checks.lint import RULES, check_qdq, lint_qdq
from edgeecho_export.targets.network import parse_errors


@pytest.fixture(scope="module")
def fp32(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random(tmp_path_factory.mktemp("lint") / "fp32.onnx", 0.0625, frames=16, size=56)


@pytest.fixture(scope="module")
def int8(fp32: Path) -> Path:
    return quantize(fp32, fp32.with_name("int8.onnx"))


def by(**changes: object) -> Callable[[Path, Path], onnx.ModelProto]:
    """onnxruntime's quantizer with other arguments."""

    def make(fp32: Path, int8: Path) -> onnx.ModelProto:
        return onnx.load(quantize(fp32, fp32.with_name("bad.onnx"), **changes))

    return make


def changed(
    change: Callable[[onnx.ModelProto], None],
) -> Callable[[Path, Path], onnx.ModelProto]:
    """The good graph, changed."""

    def make(fp32: Path, int8: Path) -> onnx.ModelProto:
        model = onnx.load(int8)
        change(model)
        return model

    return make


def first(model: onnx.ModelProto, operator: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if node.op_type == operator)


def replace(model: onnx.ModelProto, name: str, value: np.ndarray) -> None:
    (old,) = (i for i in model.graph.initializer if i.name == name)
    old.CopyFrom(numpy_helper.from_array(value, name))


def shift_zero_point(model: onnx.ModelProto) -> None:
    replace(model, first(model, "QuantizeLinear").input[2], np.array(3, np.int8))


def shift_weights(model: onnx.ModelProto) -> None:
    # The quantizer makes symmetric weights, whatever its option says.
    name = first(model, "DequantizeLinear").input[2]
    (old,) = (i for i in model.graph.initializer if i.name == name)
    replace(model, name, numpy_helper.to_array(old) + np.int8(1))


def leave_zero_points_out(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear":
            del node.input[2]


def halve_scales(model: onnx.ModelProto) -> None:
    # FP16 scales are legal since opset 19, where all that reads them is FP16 too.
    model.opset_import[0].version = 19
    scale = first(model, "QuantizeLinear").input[1]
    (old,) = (i for i in model.graph.initializer if i.name == scale)
    replace(model, scale, numpy_helper.to_array(old).astype(np.float16))


def zero_scale(model: onnx.ModelProto) -> None:
    replace(model, first(model, "QuantizeLinear").input[1], np.array(0, np.float32))


def compute_scale(model: onnx.ModelProto) -> None:
    node = first(model, "QuantizeLinear")
    model.graph.node.insert(0, helper.make_node("Identity", [node.input[1]], ["computed"]))
    node.input[1] = "computed"


def spread_activation_scale(model: onnx.ModelProto) -> None:
    node = first(model, "QuantizeLinear")
    pair = [n for n in model.graph.node if n.input[0] in (node.input[0], node.output[0])]
    replace(model, node.input[1], np.full(4, 0.1, np.float32))
    replace(model, node.input[2], np.zeros(4, np.int8))
    for item in pair:
        if item.op_type in ("QuantizeLinear", "DequantizeLinear"):
            item.attribute.append(helper.make_attribute("axis", 1))


def free_one_activation(model: onnx.ModelProto) -> None:
    conv = [n for n in model.graph.node if n.op_type == "Conv"][-1]
    made = {name: n for n in model.graph.node for name in n.output}
    conv.input[0] = made[made[conv.input[0]].input[0]].input[0]


def quantize_features(model: onnx.ModelProto) -> None:
    pooling, pair = first(model, "ReduceMean"), first(model, "QuantizeLinear")
    scale, zero = pair.input[1:]
    place = list(model.graph.node).index(pooling)
    nodes = [
        helper.make_node("QuantizeLinear", [pooling.input[0], scale, zero], ["q"], "features_q"),
        helper.make_node("DequantizeLinear", ["q", scale, zero], ["dq"], "features_dq"),
    ]
    for node in reversed(nodes):
        model.graph.node.insert(place, node)
    pooling.input[0] = "dq"


BAD: dict[str, tuple[set[str], Callable[[Path, Path], onnx.ModelProto]]] = {
    "zero-point of 3": ({"zero-point"}, changed(shift_zero_point)),
    "asymmetric activations": ({"zero-point"}, by(ActivationSymmetric=False)),
    "asymmetric weights": ({"zero-point"}, changed(shift_weights)),
    "uint8 activations": (
        {"int8-only"},
        by(activation_type=QuantType.QUInt8, ActivationSymmetric=False),
    ),
    "no zero-points, so uint8": ({"int8-only"}, changed(leave_zero_points_out)),
    "INT32 biases": ({"int32-bias"}, by(QuantizeBias=True)),
    "QLinearConv": ({"integer-operator", "conv-relu"}, by(quant_format=QuantFormat.QOperator)),
    "onnxruntime's own domain": ({"integer-operator"}, by(UseQDQContribOps=True)),
    "int16 activations": ({"int8-only"}, by(activation_type=QuantType.QInt16)),
    "between Conv and ReLU": ({"conv-relu"}, by(OpTypesToExcludeOutputQuantization=[])),
    "per-tensor weights": ({"weight-per-channel"}, by(per_channel=False)),
    "FP16 scale": ({"scale-fp32"}, changed(halve_scales)),
    "scale of 0": ({"scale-value"}, changed(zero_scale)),
    "computed scale": ({"scale-value"}, changed(compute_scale)),
    "activation per channel": ({"activation-per-tensor"}, changed(spread_activation_scale)),
    "weight alone": ({"activation-missing"}, changed(free_one_activation)),
    "quantized stem": ({"float-stem"}, by(nodes_to_exclude=[])),
    "quantized head": ({"float-head"}, changed(quantize_features)),
    "nothing quantized": ({"nothing-quantized"}, by(op_types_to_quantize=["Gelu"])),
}


@pytest.mark.slow
def test_recipe_that_tensorrt_takes_is_good(int8: Path) -> None:
    model = onnx.load(int8)
    assert sum(node.op_type == "QuantizeLinear" for node in model.graph.node) == 32
    assert lint_qdq(model) == ()
    check_qdq(model, "int8.onnx")


def test_layers_returned_to_float_are_good(fp32: Path, tmp_path: Path) -> None:
    convolutions = [n.name for n in onnx.load(fp32).graph.node if n.op_type == "Conv"]
    excluded = [*convolutions[:2], *convolutions[7:12]]
    model = onnx.load(quantize(fp32, tmp_path / "m.onnx", nodes_to_exclude=excluded))
    assert lint_qdq(model) == ()


@pytest.mark.parametrize("kind", BAD)
def test_bad_graph_is_rejected_by_the_rules_name(kind: str, fp32: Path, int8: Path) -> None:
    expected, make = BAD[kind]
    model = make(fp32, int8)
    found = lint_qdq(model)
    assert {finding.rule for finding in found} == expected
    with pytest.raises(ModelError) as caught:
        check_qdq(model, "bad.onnx")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("bad.onnx")
    for rule in expected:
        assert f"{rule} ({RULES[rule]})" in message


def test_every_rule_has_a_bad_graph() -> None:
    assert set().union(*(expected for expected, _ in BAD.values())) == set(RULES)


def test_findings_name_node_and_reason(fp32: Path, int8: Path) -> None:
    model = changed(shift_zero_point)(fp32, int8)
    node = first(model, "QuantizeLinear")
    # Its DQ shares the zero-point.
    assert {finding.node for finding in lint_qdq(model)} >= {node.name}
    assert all(finding.detail for finding in lint_qdq(model))
    model = changed(free_one_activation)(fp32, int8)
    (found,) = lint_qdq(model)
    conv = next(node for node in model.graph.node if node.name == found.node)
    assert found.detail == f"{conv.input[0]} is float"


def test_constants_may_be_nodes(int8: Path) -> None:
    model = onnx.load(int8)
    constants = [
        helper.make_node("Constant", [], [i.name], value=i) for i in model.graph.initializer
    ]
    del model.graph.initializer[:]
    for node in constants:
        model.graph.node.insert(0, node)
    assert TensorProto.INT8 in {a.t.data_type for n in constants for a in n.attribute}
    assert lint_qdq(model) == ()


def weight_dq(model: onnx.ModelProto) -> onnx.NodeProto:
    """The first that dequantizes a constant."""
    constants = {i.name for i in model.graph.initializer}
    nodes = (n for n in model.graph.node if n.op_type == "DequantizeLinear")
    return next(node for node in nodes if node.input[0] in constants)


def constant(model: onnx.ModelProto, name: str) -> np.ndarray:
    (found,) = (i for i in model.graph.initializer if i.name == name)
    return numpy_helper.to_array(found).copy()


def rules(model: onnx.ModelProto) -> set[str]:
    return {finding.rule for finding in lint_qdq(model)}


def leave_dq_zero_points_out(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear":
            del node.input[2]


def test_a_dq_without_zero_point_has_the_type_of_what_it_reads(int8: Path) -> None:
    model = onnx.load(int8)
    leave_dq_zero_points_out(model)
    assert lint_qdq(model) == ()

    pair = first(model, "QuantizeLinear")
    model.graph.initializer.append(numpy_helper.from_array(np.array(0, np.uint8), "unsigned"))
    pair.input[2] = "unsigned"
    readers = [node.name for node in model.graph.node if pair.output[0] in node.input]
    assert readers
    found = [(finding.rule, finding.node) for finding in lint_qdq(model)]
    assert found == [("int8-only", name) for name in (pair.name, *readers)]

    model = onnx.load(int8)
    leave_dq_zero_points_out(model)
    node = weight_dq(model)
    replace(model, node.input[0], constant(model, node.input[0]).view(np.uint8))
    assert [(f.rule, f.node) for f in lint_qdq(model)] == [("int8-only", node.name)]

    node.input[0] = model.graph.input[0].name
    assert ("int8-only", node.name) in [(f.rule, f.node) for f in lint_qdq(model)], "made by no Q"


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 1, -1])
def test_one_bad_value_in_a_scale_per_channel_is_found(
    int8: Path, place: int, value: float
) -> None:
    model = onnx.load(int8)
    node = weight_dq(model)
    scale = constant(model, node.input[1])
    assert scale.size > 2
    scale[place] = value
    replace(model, node.input[1], scale)
    assert [(f.rule, f.node) for f in lint_qdq(model)] == [("scale-value", node.name)]


@pytest.mark.parametrize("axis", [None, 1, 2, -1, -4])
def test_a_scale_per_channel_on_another_axis_is_found_though_its_shape_is_right(
    int8: Path, axis: int | None
) -> None:
    model = onnx.load(int8)
    node = weight_dq(model)
    (given,) = (a for a in node.attribute if a.name == "axis")
    for right in (0, -5):
        given.i = right
        assert lint_qdq(model) == ()
    if axis is None:  # then it is 1
        node.attribute.remove(given)
    else:
        given.i = axis
    assert rules(model) == {"weight-per-channel"}


@pytest.mark.parametrize("change", [lambda scale: scale[:1], lambda scale: scale[:-1]])
def test_a_weights_scale_has_a_value_for_each_channel(
    int8: Path, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    model = onnx.load(int8)
    node = weight_dq(model)
    replace(model, node.input[1], change(constant(model, node.input[1])))
    assert rules(model) == {"weight-per-channel"}


RTX_REJECTS = {
    "zero-point of 3": "zero point is not supported",
    "asymmetric activations": "zero point is not supported",
    "asymmetric weights": "zero point is not supported",
    "INT32 biases": "bias_DequantizeLinear",
    "QLinearConv": "",
    "int16 activations": "UNSUPPORTED_NODE",
    "FP16 scale": "must be of same",
    "scale of 0": "must all be positive",
}
"""What TensorRT-RTX 1.7's parser rejects too, and a part of its reason.

The rest it takes without a word: uint8 whose zero-point is 0 among them.
"""


@needs_rtx
@pytest.mark.parametrize("kind", ["good", *BAD])
def test_tensorrt_rtx_is_a_second_opinion(kind: str, fp32: Path, int8: Path) -> None:
    import tensorrt_rtx

    make = BAD[kind][1] if kind != "good" else changed(lambda model: None)
    errors = parse_errors(tensorrt_rtx, make(fp32, int8).SerializeToString())
    assert bool(errors) == (kind in RTX_REJECTS)
    assert RTX_REJECTS.get(kind, "") in " ".join(errors)
    assert "\n" not in "".join(errors)
