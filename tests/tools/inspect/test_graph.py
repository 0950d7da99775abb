"""Counting in graphs that other tools wrote or changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeecho.tools.inspect import NetworkStage, inspect_model

onnx = pytest.importorskip("onnx")

Save = Callable[..., tuple[NetworkStage, ...]]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """`save(nodes, inputs, outputs, weights) -> stages` of that ONNX file."""

    def run(
        nodes: list[Any],
        inputs: dict[str, list[Any]],
        outputs: dict[str, list[Any]],
        weights: dict[str, tuple[tuple[int, ...], str]],
    ) -> tuple[NetworkStage, ...]:
        def values(shapes: dict[str, list[Any]]) -> list[Any]:
            return [
                onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
                for name, shape in shapes.items()
            ]

        constants = [
            onnx.numpy_helper.from_array(np.ones(shape, dtype), name)
            for name, (shape, dtype) in weights.items()
        ]
        graph = onnx.helper.make_graph(nodes, "g", values(inputs), values(outputs), constants)
        opset = [onnx.helper.make_opsetid("", 18)]
        model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, tmp_path / "graph.onnx")
        return inspect_model(tmp_path / "graph.onnx").stages

    return run


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs.split(), [output], **attributes)


def test_fp16_weights_change_nothing(narrow_bundle: Path, tmp_path: Path) -> None:
    tools = pytest.importorskip("onnxruntime.transformers.float16")
    fp32 = onnx.load(narrow_bundle / "fp32.onnx")
    onnx.save(tools.convert_float_to_float16(fp32, keep_io_types=True), tmp_path / "fp16.onnx")
    found = inspect_model(tmp_path / "fp16.onnx")
    assert found.stages == inspect_model(narrow_bundle).stages


@pytest.mark.slow
@pytest.mark.parametrize("bias", [False, True], ids=["float bias", "int32 bias"])
def test_int8_weights_behind_dequantizelinear_change_nothing(
    narrow_bundle: Path, tmp_path: Path, bias: bool
) -> None:
    tools = pytest.importorskip("onnxruntime.quantization")
    clips = iter([{"clip": np.random.default_rng(0).normal(size=(1, 3, 32, 56, 56))}])

    class OneClip(tools.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def get_next(self) -> dict[str, Any] | None:
            clip = next(clips, None)
            return clip and {"clip": clip["clip"].astype(np.float32)}

    tools.quantize_static(
        narrow_bundle / "fp32.onnx",
        tmp_path / "int8.onnx",
        OneClip(),
        per_channel=True,
        op_types_to_quantize=["Conv"],
        activation_type=tools.QuantType.QInt8,
        weight_type=tools.QuantType.QInt8,
        extra_options={"QuantizeBias": bias},
    )
    operators = {n.op_type for n in onnx.load(tmp_path / "int8.onnx").graph.node}
    assert "DequantizeLinear" in operators
    assert inspect_model(tmp_path / "int8.onnx").stages == inspect_model(narrow_bundle).stages


def test_a_cast_weight_and_its_bias_are_counted(save: Save) -> None:
    (stage,) = save(
        [node("Cast", "w16", "w", to=1), node("Conv", "x w b", "y", strides=[2, 2])],
        {"x": ["n", 3, 9, 9]},
        {"y": ["n", 8, 4, 4]},
        {"w16": ((8, 3, 3, 3), "f2"), "b": ((8,), "f4")},
    )
    assert stage.name == "network"
    assert (stage.input_shape, stage.output_shape) == ((1, 3, 9, 9), (1, 8, 4, 4))
    assert stage.parameters == 8 * 3 * 9 + 8
    assert stage.macs == 8 * 16 * 3 * 9


def test_groups_divide_the_work(save: Save) -> None:
    (stage,) = save(
        [node("Conv", "x w", "y", group=3)],
        {"x": [1, 3, 9, 9]},
        {"y": [1, 6, 7, 7]},
        {"w": ((6, 1, 3, 3), "f4")},
    )
    assert (stage.parameters, stage.macs) == (54, 6 * 49 * 9)


@pytest.mark.parametrize("transposed", [0, 1])
def test_a_matrix_product_knows_what_it_sums_over(save: Save, transposed: int) -> None:
    (stage,) = save(
        [node("Gemm", "x w b", "y", transA=transposed)],
        {"x": [6, 2] if transposed else [2, 6]},
        {"y": [2, 7]},
        {"w": ((6, 7), "f4"), "b": ((7,), "f4")},
    )
    assert (stage.parameters, stage.macs) == (6 * 7 + 7, 2 * 7 * 6)


def test_a_product_of_activations_has_work_and_no_parameters(save: Save) -> None:
    (stage,) = save(
        [node("MatMul", "a b", "y")], {"a": [4, 5, 6], "b": [4, 6, 7]}, {"y": [4, 5, 7]}, {}
    )
    assert (stage.parameters, stage.macs) == (0, 4 * 5 * 7 * 6)


def test_a_shared_weight_is_worked_with_twice_and_counted_once(save: Save) -> None:
    (stage,) = save(
        [node("Conv", "x w", "h", pads=[1] * 4), node("Conv", "h w", "y", pads=[1] * 4)],
        {"x": [1, 3, 8, 8]},
        {"y": [1, 3, 8, 8]},
        {"w": ((3, 3, 3, 3), "f4")},
    )
    assert (stage.parameters, stage.macs) == (81, 2 * 3 * 64 * 27)


def test_an_open_size_leaves_the_work_unknown(save: Save) -> None:
    (stage,) = save(
        [node("Conv", "x w", "y")],
        {"x": ["n", 3, "h", "w"]},
        {"y": ["n", 8, None, None]},
        {"w": ((8, 3, 3, 3), "f4")},
    )
    assert stage == NetworkStage("network", None, None, parameters=216, macs=None)


@pytest.mark.parametrize("has_input", [True, False])
def test_a_graph_with_no_network_in_it_is_no_bug(save: Save, has_input: bool) -> None:
    inputs = {"w": [2]} if has_input else {}
    weights = {} if has_input else {"w": ((2,), "f4")}
    (stage,) = save([node("Identity", "w", "y")], inputs, {"y": [2]}, weights)
    assert (stage.output_shape, stage.parameters, stage.macs) == ((2,), 0, 0)


def test_weights_with_other_names_give_one_row(narrow_bundle: Path, tmp_path: Path) -> None:
    model = onnx.load(narrow_bundle / "fp32.onnx")
    for item in (*model.graph.initializer, *model.graph.node):
        for field in ("name", "input"):
            value = getattr(item, field, None)
            if field == "name":
                item.name = value.replace("layer3.", "body.")
            elif value is not None:
                item.input[:] = [name.replace("layer3.", "body.") for name in value]
    onnx.save(model, tmp_path / "renamed.onnx")
    found, named = inspect_model(tmp_path / "renamed.onnx"), inspect_model(narrow_bundle)
    assert [stage.name for stage in found.stages] == ["network"]
    assert (found.parameters, found.macs) == (named.parameters, named.macs)
    assert any("r2plus1d_18" in text for text in found.unknown)
