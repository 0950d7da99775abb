"""The reader of build logs, on lines that TensorRT-RTX 1.7.1 wrote, shortened."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeecho_export.targets.layers import (
    Convolution,
    expected_inputs,
    parse_inspected,
    read_inspected,
    read_layers,
)

_END = "Format: (NDHWC) Channel major format with 3 spatial dimensions }]"
LOG = f"""Layers:
Name: __mye3190_0_myl0_0, LayerType: shape_call, Inputs: [], Constants: [], Outputs: [], \
TacticName: , StreamId: 0, Metadata: \n\
Name: node_c0_myl0_2, LayerType: correlation, Inputs: [ {{ Name: clip, Dimensions: \
[-1,3,32,112,112], Strides: [1204224,1,37632,336,3], Datatype: Float, {_END}, Constants: \
[ {{ Name: w, Dimensions: [45,3,1,7,7], Datatype: Half, {_END}, Outputs: [ {{ Name: r, \
Dimensions: [-1,45,32,56,56], Datatype: Half, {_END}, TacticName: __myelin_CASK_STUB, \
StreamId: 0, Metadata: [ONNX Layer: node_c0][ONNX Layer: node_relu]
Name: __myl_MulMinMaxRounCast_myl0_4, LayerType: kgen, Inputs: [ {{ Name: k, Dimensions: \
[-1,64], Datatype: Float, {_END}, Constants: [], Outputs: [ {{ Name: q, Dimensions: [-1,64], \
Datatype: Int8, {_END}, TacticName: __myl_x_vec, StreamId: 0, Metadata: [ONNX Layer: node_c1]
Name: node_c1_myl0_5, LayerType: correlation, Inputs: [ {{ Name: q, Dimensions: [-1,64], \
Datatype: Int8, {_END}, Constants: [ {{ Name: d, Datatype: Int8, {_END}, Outputs: [ {{ Name: o, \
Dimensions: [-1,144], Datatype: Float, {_END}, TacticName: __myelin_CASK_STUB, StreamId: 0, \
Metadata: [ONNX Layer: node_c1][ONNX Layer: relu_1_DequantizeLinear]
Name: __myl_ReshMoveReplConc_myl0_6, LayerType: kgen, Inputs: [ {{ Name: o, Datatype: Float, \
{_END}, Constants: [], Outputs: [ {{ Name: p, Datatype: Half, {_END}, TacticName: __myl_x, \
StreamId: 0, Metadata: [ONNX Layer: node_c1]
Name: __myl_CastMean_myl0_7, LayerType: kgen, Inputs: [ {{ Name: p, Datatype: Half, \
{_END}, Constants: [], Outputs: [ {{ Name: ef, Datatype: Float, {_END}, TacticName: __myl_y, \
StreamId: 0, Metadata: [ONNX Layer: node_c1]
Total Activation Memory: 545914880 bytes
"""


@pytest.fixture
def model() -> onnx.ModelProto:
    """Two convolutions, the second quantized."""
    weight = np.zeros((4, 4, 1, 1, 1))
    constants = {
        "stem.0.weight": weight.astype(np.float32),
        "body.weight_quantized": weight.astype(np.int8),
        "scale": np.ones(4, np.float32),
        "zero": np.zeros(4, np.int8),
    }
    nodes = [
        helper.make_node("Conv", ["clip", "stem.0.weight"], ["a"], "node_c0"),
        helper.make_node(
            "DequantizeLinear", ["body.weight_quantized", "scale", "zero"], ["w"], axis=0
        ),
        helper.make_node("Conv", ["a", "w"], ["ef"], "node_c1"),
    ]
    clip, ef = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 4, 8, 8, 8])
        for name in ("clip", "ef")
    )
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return helper.make_model(helper.make_graph(nodes, "g", [clip], [ef], tensors))


def test_convolutions_are_named_by_their_weights(model: onnx.ModelProto) -> None:
    report = read_layers(LOG.splitlines(), model)
    assert report.layers == 6
    assert report.moving == 1, "rounding to INT8 computes, and so does a mean behind a cast"
    assert report.activation_bytes == 545_914_880
    assert report.convolutions == (
        Convolution("stem.0", "Float", "Half"),
        Convolution("body", "Int8", "Float"),
    )
    assert report.to_dict() == {
        "count": 6,
        "moving": 1,
        "activation_bytes": 545_914_880,
        "convolutions": {"Float": ["stem.0"], "Int8": ["body"]},
    }


def test_file_says_what_it_asks_for(model: onnx.ModelProto) -> None:
    assert expected_inputs(model) == {"stem.0": "Float", "body": "Int8"}
    (weight,) = (i for i in model.graph.initializer if i.name == "stem.0.weight")
    halved = numpy_helper.to_array(weight).astype(np.float16)
    weight.CopyFrom(numpy_helper.from_array(halved, weight.name))
    assert expected_inputs(model)["stem.0"] == "Half"


def test_log_without_layers_gives_none(model: onnx.ModelProto) -> None:
    assert read_layers(["Parsing done", "Name: x"], model).layers == 0


def inspected(inputs: dict[str, str], outputs: dict[str, str], **changes: str) -> str:
    """One convolution as an inspector describes it; names of its fields as in NVIDIA's manual."""
    layer = {
        "Name": "node_c1 + node_relu",
        "LayerType": "CaskConvolution",
        "Inputs": [{"Name": "a", "Dimensions": [16, 512, 28, 28], **inputs}],
        "Outputs": [{"Name": "b", **outputs}],
        "ParameterType": "Convolution",
        "TacticName": "sm80_xmma_fprop_implicit_gemm",
        "Metadata": "[ONNX Layer: node_c1]\x1f[ONNX Layer: node_relu]",
    }
    return json.dumps({"Layers": [{**layer, **changes}, "a name alone"], "Bindings": ["clip"]})


@pytest.mark.parametrize(
    ("inputs", "outputs", "kinds"),
    [
        (
            {"Format/Datatype": "Thirty-two wide channel vectorized row major Int8 format."},
            {"Format/Datatype": "Row major linear FP16 format"},
            ("Int8", "Half"),
        ),
        ({"Format/Datatype": "Half"}, {"Format/Datatype": "Float"}, ("Half", "Float")),
        (
            {"DataType": "Float", "Format": "Row major linear FP32 format (kLINEAR)"},
            {"DataType": "Half", "Format": "Channel major format"},
            ("Float", "Half"),
        ),
    ],
)
def test_inspector_of_every_version_is_read(
    inputs: dict[str, str], outputs: dict[str, str], kinds: tuple[str, str], model: onnx.ModelProto
) -> None:
    text = inspected(inputs, outputs).replace("\\u001f", "\x1f")
    report = read_inspected(parse_inspected(text), model)
    assert report.layers == 2
    assert report.convolutions == (Convolution("body", *kinds),)


@pytest.mark.parametrize("kind", ["Reformat", "Shuffle", "Slice", "Cast"])
def test_inspector_tells_what_only_moves_data(kind: str, model: onnx.ModelProto) -> None:
    report = read_inspected(parse_inspected(inspected({}, {}, Name="r", LayerType=kind)), model)
    assert (report.layers, report.moving, report.activation_bytes) == (2, 1, None)
    convolution = read_inspected(parse_inspected(inspected({}, {})), model)
    assert convolution.moving == 0


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "not quite [JSON",
        '{"Layers": []}',
        '{"Layers": ["{ForeignNode[node_c0...node_c1]}"]}',
        inspected({}, {}),
        inspected({"DataType": "Half"}, {"DataType": "Half"}, Metadata=""),
        inspected({"DataType": "Half"}, {"DataType": "Half"}, LayerType="x", ParameterType="y"),
    ],
)
def test_what_an_inspector_does_not_say_is_missing(text: str, model: onnx.ModelProto) -> None:
    assert read_inspected(parse_inspected(text), model).convolutions == ()


def test_a_convolution_that_is_fused_with_its_hard_swish_counts(model: onnx.ModelProto) -> None:
    fused = LOG.replace("Name: node_c1_myl0_5, LayerType: correlation", f"Name: {_FUSED}")
    assert fused != LOG
    assert read_layers(fused.splitlines(), model) == read_layers(LOG.splitlines(), model)


_FUSED = "__myl_CorrMulAddMinMaxMul_myl0_38, LayerType: runtime_fusion"
