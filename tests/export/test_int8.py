"""INT8: the form of the graph, what runs it, and its gate."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import openvino
import pytest
from small_network import SPEC

from edgeecho.bundle import open_model
from edgeecho.common.errors import VerificationError
from edgeecho.common.precisions import DriftLimits
from edgeecho.engines import load_engine
from edgeecho.tools.verify import ReferenceInputs
from edgeecho_calibration.ranges import Ranges
from edgeecho_export.checkpoint import LoadedCheckpoint
from edgeecho_export.checks.parity import ask_pytorch
from edgeecho_export.cli import METHODS
from edgeecho_export.graph import quantized_inputs
from edgeecho_export.quantize import write_int8
from edgeecho_export.ranges import collect
from edgeecho_export.recipes import find_recipe, int8
from edgeecho_export.recipes.base import ExportOptions, ModelLabel, RecipeResult, Workspace
from edgeecho_train.network import R2Plus1D18

pytestmark = pytest.mark.slow

LOOSE = DriftLimits(mean=5, p95=10, max=20, mae=5)


@pytest.fixture(scope="module")
def calibration(clips: np.ndarray) -> list[np.ndarray]:
    return [clip[None] for clip in clips]


@pytest.fixture(scope="module")
def ranges(fp32: Path, calibration: list[np.ndarray]) -> Ranges:
    return collect(fp32, calibration, METHODS)


@pytest.fixture(scope="module")
def reference_inputs(network: R2Plus1D18, clips: np.ndarray) -> ReferenceInputs:
    return ask_pytorch(network, clips)


@pytest.fixture(scope="module")
def make(fp32: Path, network: R2Plus1D18, clips: np.ndarray) -> Callable[..., RecipeResult]:
    """`make(limits, methods)`: what the recipe makes, beside `fp32`, of the calibration clips."""
    source = LoadedCheckpoint(network, SPEC, sha256="", training=None, reference=None)

    def made(limits: DriftLimits, methods: tuple[str, ...]) -> RecipeResult:
        options = ExportOptions(methods=methods, limits={"int8": limits})
        calibration = [clip[None] for clip in clips]
        label = ModelLabel("tiny", "1")
        work = Workspace(fp32.parent, source, label, options, clips, calibration=calibration)
        return find_recipe("int8").make(work, fp32.with_name("int8.onnx"))

    return made


@pytest.fixture(scope="module")
def minmax(fp32: Path, ranges: Ranges) -> Path:
    path = fp32.with_name("minmax.onnx")
    write_int8(fp32, path, {name: ranges.largest[name] for name in quantized_inputs(fp32)})
    return path


def test_quantized_are_35_convolutions_and_not_the_stem(minmax: Path) -> None:
    graph = onnx.load(minmax).graph
    maker = {name: node for node in graph.node for name in node.output}
    readers = Counter(name for node in graph.node for name in node.input)
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    quantized = [
        c
        for c in convolutions
        if c.input[0] in maker and maker[c.input[0]].op_type == "DequantizeLinear"
    ]
    assert (len(convolutions), len(quantized)) == (37, 35)
    for node in quantized:
        assert maker[node.input[1]].op_type == "DequantizeLinear", "a weight in float"
        assert node.input[2] not in maker, "a quantized bias"
    stem = [node for node in convolutions if node not in quantized]
    assert [node.input[1] for node in stem] == ["stem.0.weight", "stem.3.weight"]
    for node in graph.node:
        if node.op_type == "Relu":
            assert maker[node.input[0]].op_type in ("Conv", "Add"), "Q/DQ before a ReLU"
        if node.op_type == "Add":
            kinds = sorted(maker[name].op_type for name in node.input)
            assert kinds in (["Conv", "DequantizeLinear"], ["Conv", "Conv"])
        if node.op_type == "QuantizeLinear":
            assert readers[node.output[0]] == 1
    assert "MatMulInteger" not in {n.op_type for n in graph.node}
    (gemm,) = (node for node in graph.node if node.op_type == "Gemm")
    assert gemm.input[1] == "fc.weight"


def test_scales_are_fp32_and_symmetric_and_weights_per_channel(
    minmax: Path, ranges: Ranges
) -> None:
    graph = onnx.load(minmax).graph
    values = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    for node in graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        scale, zero = values[node.input[1]], values[node.input[2]]
        assert scale.dtype == np.float32
        assert zero.dtype == np.int8
        assert not zero.any()
        if node.op_type == "QuantizeLinear":
            assert scale.shape == ()
            assert scale == pytest.approx(ranges.largest[node.input[0]] / 127, rel=1e-5)
        elif node.input[0] in values:
            weight = values[node.input[0]]
            assert weight.dtype == np.int8
            assert scale.shape == weight.shape[:1]
            assert (scale > 0).all()
            largest = np.abs(weight.astype(int)).max(axis=(1, 2, 3, 4))
            assert (largest[largest > 0] == 127).mean() > 0.9  # 0: a channel of padding
    assert not any(value.dtype == np.int32 for value in values.values())


def test_the_file_says_what_it_is_and_is_written_the_same_each_time(
    fp32: Path, minmax: Path, ranges: Ranges, tmp_path: Path
) -> None:
    (entry,) = onnx.load(minmax).metadata_props
    assert json.loads(entry.value)["precision"] == "int8"
    assert open_model(minmax).preprocess == SPEC
    assert [(o.domain, o.version) for o in onnx.load(minmax).opset_import] == [("", 18)]
    write_int8(
        fp32,
        tmp_path / "again.onnx",
        {name: ranges.largest[name] for name in sorted(quantized_inputs(fp32))},
    )
    assert (tmp_path / "again.onnx").read_bytes() == minmax.read_bytes()


def test_both_engines_run_it_and_openvino_in_8_bits(
    minmax: Path, reference_inputs: ReferenceInputs, clips: np.ndarray
) -> None:
    model = open_model(minmax)
    for name in ("openvino", "onnxruntime"):
        engine = load_engine(name, model)
        assert engine.facts.precision == "int8+f32"
        drift = np.abs(engine.run(clips).ef - reference_inputs.expected)
        assert 1e-4 < drift.max() < 0.2 * np.ptp(reference_inputs.expected)
    config = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(minmax, "CPU", config)
    kinds = Counter(
        op.get_rt_info()["runtimePrecision"].astype(str)
        for op in compiled.get_runtime_model().get_ops()
        if op.get_rt_info()["layerType"].astype(str) == "Convolution"
    )
    assert kinds["i8"] + kinds["u8"] == 35, kinds
    assert kinds["f32"] == 2, kinds


def test_the_method_with_the_smallest_drift_is_kept_and_all_are_told(
    fp32: Path, make: Callable[..., RecipeResult]
) -> None:
    made = make(LOOSE, METHODS)
    kept, tried = made.calibration["method"], made.calibration["methods"]
    drifts = {m["method"]: m["mean_drift"] for m in tried}
    assert set(drifts) == set(METHODS)
    assert len(set(drifts.values())) == 3, "two methods chose the same"
    assert drifts[kept] == min(drifts.values())
    assert {check.engine for check in made.checks} == {"openvino", "onnxruntime"}
    on_openvino = next(c for c in made.checks if c.engine == "openvino")
    assert on_openvino.mean_drift == pytest.approx(drifts[kept], rel=0.2)
    assert on_openvino.allowed == LOOSE.to_dict()
    alone = make(LOOSE, ("percentile",)).calibration
    assert (alone["method"], len(alone["methods"])) == ("percentile", 1)
    assert not [f for f in fp32.parent.iterdir() if f.name.startswith(".")], "left over"


def test_on_the_calibration_clips_the_mean_answer_is_that_of_fp32(
    fp32: Path, minmax: Path, calibration: list[np.ndarray], make: Callable[..., RecipeResult]
) -> None:
    def mean_ef(file: Path) -> float:
        engine = load_engine("openvino", open_model(file))
        return float(np.mean([engine.run(clip).ef for clip in calibration]))

    expected, raw = mean_ef(fp32), mean_ef(minmax)
    (found,) = make(LOOSE, ("minmax",)).calibration["methods"]
    assert mean_ef(fp32.with_name("int8.onnx")) == pytest.approx(expected, abs=1e-4)
    assert found["shift"] == pytest.approx(expected - raw, abs=1e-4)
    assert abs(expected - raw) > 1e-3, "nothing to correct: the test shows nothing"


def test_corrupted_scales_do_not_pass(
    make: Callable[..., RecipeResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = int8.write_int8

    def write_wrong(source: Path, path: Path, tops: dict[str, float], _: object) -> None:
        name = max(tops, key=lambda n: tops[n])
        honest(source, path, {**tops, name: tops[name] / 50})

    (found,) = make(LOOSE, ("minmax",)).calibration["methods"]
    limits = DriftLimits(max=2 * found["max_drift"])
    make(limits, ("minmax",))
    monkeypatch.setattr(int8, "write_int8", write_wrong)
    with pytest.raises(VerificationError, match="differs from PyTorch by up to"):
        make(limits, ("minmax",))
