"""FP16: the file, and each of the three parts of its gate, passing and failing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from small_network import SPEC

from edgeecho.bundle import open_model
from edgeecho.common.errors import VerificationError
from edgeecho.common.precisions import LIMITS, DriftLimits
from edgeecho.engines import load_engine
from edgeecho_export.checkpoint import LoadedCheckpoint
from edgeecho_export.checks.arithmetic import verify_arithmetic
from edgeecho_export.checks.parity import DriftCheck, ask_pytorch
from edgeecho_export.checks.range import RANGE_LIMIT, check_range
from edgeecho_export.checks.rounded import run_rounded
from edgeecho_export.ranges import collect
from edgeecho_export.recipes import find_recipe
from edgeecho_export.recipes.base import ExportOptions, ModelLabel, RecipeResult, Workspace
from edgeecho_export.recipes.fp16 import write_fp16
from edgeecho_train.network import R2Plus1D18

pytestmark = pytest.mark.slow

FLOAT, FLOAT16 = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16


@pytest.fixture(scope="module")
def fp16(fp32: Path) -> Path:
    write_fp16(fp32, fp32.with_name("half.onnx"))
    return fp32.with_name("half.onnx")


def make(
    fp32: Path, network: R2Plus1D18, clips: np.ndarray, limits: DriftLimits = LIMITS["fp16"]
) -> RecipeResult:
    """What the recipe makes, beside `fp32`."""
    source = LoadedCheckpoint(network, SPEC, sha256="", training=None, reference=None)
    options = ExportOptions(limits={"fp16": limits})
    work = Workspace(fp32.parent, source, ModelLabel("tiny", "1"), options, clips)
    return find_recipe("fp16").make(work, fp32.with_name("fp16.onnx"))


def scaled(fp32: Path, out: Path, factor: float) -> Path:
    """The same function by other numbers: `factor` times as large between two convolutions."""
    model = onnx.load(fp32)
    values = {i.name: i for i in model.graph.initializer}
    for name, by in (
        ("layer1.0.conv1.0.0.weight", factor),
        ("layer1.0.conv1.0.0.weight_bias", factor),
        ("layer1.0.conv1.0.3.weight", 1 / factor),
    ):
        value = onnx.numpy_helper.to_array(values[name]) * np.float32(by)
        values[name].CopyFrom(onnx.numpy_helper.from_array(value, name))
    onnx.save(model, out)
    return out


def test_body_is_fp16_and_head_input_and_output_are_fp32(fp16: Path) -> None:
    model = onnx.shape_inference.infer_shapes(onnx.load(fp16), strict_mode=True, data_prop=True)
    kinds = {i.name: i.data_type for i in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Conv":
            assert {kinds[name] for name in node.input[1:]} == {FLOAT16}
    assert kinds["fc.weight"] == kinds["fc.bias"] == FLOAT
    for value in (*model.graph.input, *model.graph.output):
        assert value.type.tensor_type.elem_type == FLOAT
        assert value.type.tensor_type.shape.dim[0].dim_param
    types = {v.name: v.type.tensor_type.elem_type for v in model.graph.value_info}
    for node in model.graph.node:
        if node.op_type in ("Conv", "Relu", "Add"):
            assert types[node.output[0]] == FLOAT16
        if node.op_type in ("ReduceMean", "Gemm"):
            assert types[node.output[0]] == FLOAT, "the head rounds"
    casts = [node for node in model.graph.node if node.op_type == "Cast"]
    assert len(casts) == 2, "one behind the input, one before the head"
    assert Counter(n.op_type for n in model.graph.node)["Conv"] == 37


def test_the_file_says_what_it_is_and_is_written_the_same_each_time(
    fp32: Path, fp16: Path, tmp_path: Path
) -> None:
    (entry,) = onnx.load(fp16).metadata_props
    assert json.loads(entry.value)["precision"] == "fp16"
    model = open_model(fp16)
    assert (model.precision, model.preprocess, model.name) == ("fp16", SPEC, "tiny")
    assert fp16.stat().st_size < 0.6 * fp32.stat().st_size
    write_fp16(fp32, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == fp16.read_bytes()


def test_rounding_in_pytorch_is_that_of_the_file(
    fp32: Path, fp16: Path, network: R2Plus1D18, clips: np.ndarray
) -> None:
    expected = ask_pytorch(network, clips).expected
    assert np.abs(run_rounded(fp32, clips) - expected).max() < 1e-4, "nothing to round in FP32"
    rounded = run_rounded(fp16, clips)
    on_cpu = load_engine("onnxruntime", open_model(fp16)).run(clips).ef
    assert 1e-5 < np.abs(rounded - expected).max() < 0.2
    assert np.abs(rounded - on_cpu).max() > 1e-5, "layers are not rounded"
    assert (rounded == run_rounded(fp16, clips)).all()


def test_a_convolution_without_a_bias_is_one_whose_bias_is_zero(
    fp16: Path, clips: np.ndarray, tmp_path: Path
) -> None:
    # As the exporter writes it where a batch normalisation was never trained.
    model = onnx.load(fp16)
    convolution = next(node for node in model.graph.node if node.op_type == "Conv")
    (bias,) = (i for i in model.graph.initializer if i.name == convolution.input[2])
    zeros = np.zeros(bias.dims, np.float16)
    bias.CopyFrom(onnx.numpy_helper.from_array(zeros, bias.name))
    onnx.save(model, tmp_path / "zero.onnx")
    del convolution.input[2]
    onnx.save(model, tmp_path / "none.onnx")
    zero, none = (run_rounded(tmp_path / f"{name}.onnx", clips[:1]) for name in ("zero", "none"))
    assert (none == zero).all()
    assert (none != run_rounded(fp16, clips[:1])).all()


def test_all_three_parts_pass_and_are_recorded(
    fp32: Path, network: R2Plus1D18, clips: np.ndarray
) -> None:
    found = check_range(fp32, collect(fp32, [c[None] for c in clips], ()), "reference clips")
    made = make(fp32, network, clips)
    assert made.range == found
    assert found.limit == 16376
    # 37 convolutions, 34 ReLUs, 8 sums, the input, and the weights and biases of 37.
    assert found.tensors == 37 + 34 + 8 + 1 + 2 * 37
    assert {(c.part, c.engine) for c in made.checks} == {
        ("weights", "openvino"),
        ("weights", "onnxruntime"),
        ("arithmetic", "pytorch"),
    }
    for check in made.checks:
        assert check.allowed == {"mean": 0.05, "max": 0.2}
        assert check.batches == ((1,) if check.part == "arithmetic" else (1, 2, 8))
        assert 0 < check.mean_drift <= check.max_drift <= 0.2


def test_the_largest_value_is_that_of_pytorch(
    fp32: Path, network: R2Plus1D18, clips: np.ndarray, tmp_path: Path
) -> None:
    large = scaled(fp32, tmp_path / "large.onnx", 100)
    found = collect(large, [c[None] for c in clips], ())
    seen: list[float] = []
    norm = network.get_submodule("layer1.0.conv1.0.1")
    hook = norm.register_forward_hook(lambda _m, _i, out: seen.append(100 * out.abs().max().item()))
    with torch.inference_mode():
        network(torch.from_numpy(clips))
    hook.remove()
    check = check_range(large, found, "reference clips")
    assert check.largest == pytest.approx(max(seen), rel=1e-4)


def test_a_tensor_near_fp16s_limit_fails_the_range_which_a_cpu_does_not_see(
    fp32: Path, network: R2Plus1D18, clips: np.ndarray, tmp_path: Path
) -> None:
    batches = [c[None] for c in clips]
    largest = check_range(
        scaled(fp32, tmp_path / "m.onnx", 1000), collect(tmp_path / "m.onnx", batches, ()), ""
    ).largest
    for share, fails in ((0.9, False), (1.1, True)):
        file = scaled(fp32, tmp_path / "large.onnx", 1000 * share * RANGE_LIMIT / largest)
        found = collect(file, batches, ())
        if not fails:
            check_range(file, found, "")
            continue
        with pytest.raises(
            VerificationError, match=r"\(range\) cannot hold .* 1\.801e\+04 in FP32"
        ):
            check_range(file, found, "")
    # Beyond FP16 itself: fine on a CPU, infinite where every layer is really rounded.
    write_fp16(scaled(fp32, tmp_path / "m.onnx", 1000 * 5 * RANGE_LIMIT / largest), file)
    assert np.isfinite(load_engine("onnxruntime", open_model(file)).run(clips).ef).all()
    with pytest.raises(VerificationError, match=r"every layer rounded\) .*nan EF points"):
        verify_arithmetic(file, DriftCheck("fp16", ask_pytorch(network, clips), LIMITS["fp16"]))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_tensor_that_is_no_number_fails_the_range(
    bad: float, fp32: Path, clips: np.ndarray
) -> None:
    spoiled = clips[:1].copy()
    spoiled[0, 0, 0, 0, 0] = bad
    with pytest.raises(VerificationError, match=r"\(range\)"):
        check_range(fp32, collect(fp32, [clips[:1], spoiled], ()), "")


def test_weights_and_arithmetic_fail_by_their_names(
    fp32: Path, network: R2Plus1D18, clips: np.ndarray
) -> None:
    with pytest.raises(VerificationError, match=r"fp16\.onnx \(weights\) on openvino"):
        make(fp32, network, clips, DriftLimits(mean=0))
    with pytest.raises(VerificationError, match=r"fp16\.onnx \(arithmetic"):
        gate = DriftCheck("fp16", ask_pytorch(network, clips), DriftLimits(max=0))
        verify_arithmetic(fp32.with_name("fp16.onnx"), gate)
