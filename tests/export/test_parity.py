from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch
from onnx import TensorProto, helper
from small_network import SPEC

from edgeecho.bundle import Verification
from edgeecho.common.errors import EngineError, VerificationError
from edgeecho.common.precisions import LIMITS, DriftLimits
from edgeecho.engines import OURS, Engine, Outputs, registry
from edgeecho.tools.verify import ReferenceInputs, measure_drift
from edgeecho_export.checks.parity import DriftCheck, ask_pytorch
from edgeecho_export.checks.parity import verify as verify_held_out
from edgeecho_export.recipes.fp32 import write_onnx
from edgeecho_train.network import R2Plus1D18


def verify(file: Path, network: R2Plus1D18, clips: np.ndarray) -> tuple[Verification, ...]:
    return verify_held_out(file, DriftCheck("fp32", ask_pytorch(network, clips), LIMITS["fp32"]))


@pytest.fixture(scope="module")
def file(network: R2Plus1D18, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    write_onnx(path, network, SPEC, name="tiny", version="1")
    return path


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    rng = np.random.default_rng(0)
    scale = np.linspace(0.2, 3, 8).reshape(-1, 1, 1, 1, 1)
    return (rng.standard_normal((8, 3, 16, 56, 56)) * scale).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 2, 8])
def test_engines_give_pytorchs_ef(
    batch: int, file: Path, network: R2Plus1D18, clips: np.ndarray
) -> None:
    with torch.inference_mode():
        expected = network(torch.from_numpy(clips[:batch])).numpy()
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    config = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(file, "CPU", config)
    for name, found in (
        ("onnxruntime", session.run(["ef"], {"clip": clips[:batch]})[0]),
        ("openvino", compiled([clips[:batch]])["ef"]),
    ):
        assert found.shape == expected.shape == (batch,)
        assert np.abs(found - expected).max() < 0.01, name
    assert batch == 1 or expected.std() > 0.1, "the same answer to every clip"


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3, 8])
def test_gate_passes_an_honest_export(
    count: int, file: Path, network: R2Plus1D18, clips: np.ndarray
) -> None:
    checks = verify(file, network, clips[:count])
    assert {check.engine for check in checks} == {"openvino", "onnxruntime"}
    for check in checks:
        assert check.batches == (1, 2, 8)
        assert check.clips == count
        assert check.tolerance == 0.01
        assert 0 <= check.mean_drift <= check.max_drift <= 0.01
        assert check.p95_drift <= check.max_drift


def changed(file: Path, out: Path, change: Callable[[onnx.ModelProto], None]) -> Path:
    model = onnx.load(file)
    change(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, out)
    return out


def add_to_bias(model: onnx.ModelProto, points: float) -> None:
    """Shift every EF."""
    (head,) = (node for node in model.graph.node if node.op_type == "Gemm")
    (bias,) = (i for i in model.graph.initializer if i.name == head.input[2])
    value = onnx.numpy_helper.to_array(bias) + np.float32(points)
    bias.CopyFrom(onnx.numpy_helper.from_array(value, bias.name))


def test_an_engine_that_cannot_be_opened_is_named_and_stops_nothing(
    file: Path,
    network: R2Plus1D18,
    clips: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> Engine:
        raise OSError("/opt/x/libnvinfer.so.10: cannot open shared object file")

    def none_opens(*_: object) -> Engine:
        raise EngineError("no card")

    ours = [entry for entry in OURS if entry.device == "cpu"]
    broken = replace(ours[0], name="beads", open=fail)
    no_card = replace(broken, name="card", refuses=lambda _: "no card")
    monkeypatch.setattr(registry, "OURS", (broken, no_card, *ours))
    check = DriftCheck("fp32", ask_pytorch(network, clips[:2]), LIMITS["fp32"])
    found = verify_held_out(file, check)
    assert {one.engine for one in found} == {"openvino", "onnxruntime"}
    said = capsys.readouterr().err
    assert "model.onnx is not checked on beads: engine beads is installed but cannot be l" in said
    assert "libnvinfer.so.10: cannot open shared object file" in said
    assert "model.onnx is not checked on card: no card" in said
    for name in ("beads", "card"):
        with pytest.raises(EngineError):
            verify_held_out(file, replace(check, engine=name))
    monkeypatch.setattr(registry, "OURS", (broken, replace(ours[0], open=none_opens)))
    with pytest.raises(EngineError, match=r"no engine here can check model\.onnx"):
        verify_held_out(file, check)


@pytest.mark.slow
def test_drift_is_measured_in_ef_points(
    file: Path, network: R2Plus1D18, clips: np.ndarray, tmp_path: Path
) -> None:
    shifted = changed(file, tmp_path / "m.onnx", lambda model: add_to_bias(model, 0.005))
    for check in verify(shifted, network, clips):
        assert check.mean_drift == pytest.approx(0.005, abs=1e-3)
        assert check.max_drift == pytest.approx(0.005, abs=1e-3)


@pytest.mark.parametrize("points", [0.02, -0.02, 30, float("nan")])
def test_changed_weights_do_not_pass(
    points: float, file: Path, network: R2Plus1D18, clips: np.ndarray, tmp_path: Path
) -> None:
    shifted = changed(file, tmp_path / "m.onnx", lambda model: add_to_bias(model, points))
    with pytest.raises(VerificationError, match=r"allowed are 0\.01") as caught:
        verify(shifted, network, clips[:2])
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_one_wrong_convolution_does_not_pass(
    file: Path, network: R2Plus1D18, clips: np.ndarray, tmp_path: Path
) -> None:
    def flip(model: onnx.ModelProto) -> None:
        weight = max(model.graph.initializer, key=lambda i: len(i.raw_data))
        value = -onnx.numpy_helper.to_array(weight)
        weight.CopyFrom(onnx.numpy_helper.from_array(value, weight.name))

    with pytest.raises(VerificationError):
        verify(changed(file, tmp_path / "m.onnx", flip), network, clips)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 2, 8])
def test_fault_of_a_single_batch_size_does_not_pass(
    batch: int, file: Path, network: R2Plus1D18, clips: np.ndarray, tmp_path: Path
) -> None:
    def spoil(model: onnx.ModelProto) -> None:
        graph = model.graph
        last = graph.node[-1]
        assert list(last.output) == ["ef"]
        last.output[0] = "honest"
        graph.initializer.extend(
            [
                helper.make_tensor("spoiled_size", TensorProto.INT64, [1], [batch]),
                helper.make_tensor("points", TensorProto.FLOAT, [1], [0.05]),
            ]
        )
        graph.node.extend(
            [
                helper.make_node("Shape", ["clip"], ["size"], start=0, end=1),
                helper.make_node("Equal", ["size", "spoiled_size"], ["hit"]),
                helper.make_node("Cast", ["hit"], ["factor"], to=TensorProto.FLOAT),
                helper.make_node("Mul", ["factor", "points"], ["shift"]),
                helper.make_node("Add", ["honest", "shift"], ["ef"]),
            ]
        )

    with pytest.raises(VerificationError, match=r"up to 0\.05"):
        verify(changed(file, tmp_path / "m.onnx", spoil), network, clips)


def give_another_embedding(model: onnx.ModelProto, source: str) -> None:
    """Let the output `embedding` be another tensor."""
    graph = model.graph
    for node in graph.node:
        node.input[:] = ["honest" if name == "embedding" else name for name in node.input]
        node.output[:] = ["honest" if name == "embedding" else name for name in node.output]
    if source == "halved":
        graph.output[1].type.tensor_type.shape.dim[1].dim_value = 16
    graph.initializer.append(helper.make_tensor("back", TensorProto.INT64, [1], [-1]))
    places = {"start": -1, "end": -1000, "axis": 0, "none": 0, "half": 16, "across": 1}
    for name, value in places.items():
        graph.initializer.append(helper.make_tensor(name, TensorProto.INT64, [1], [value]))
    maker = {
        "negated": helper.make_node("Neg", ["honest"], ["embedding"]),
        # Right for a clip alone.
        "rows turned": helper.make_node(
            "Slice", ["honest", "start", "end", "axis", "back"], ["embedding"]
        ),
        "halved": helper.make_node("Slice", ["honest", "none", "half", "across"], ["embedding"]),
    }[source]
    graph.node.append(maker)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("negated", r"differs from PyTorch's by 2 of its length, allowed are 0\.0001"),
        ("rows turned", "differs from PyTorch's by"),
        ("halved", r"of the shape \(2, 16\), not \(2, 32\)"),
    ],
)
def test_embedding_that_is_not_pytorchs_does_not_pass(
    source: str, says: str, file: Path, network: R2Plus1D18, clips: np.ndarray, tmp_path: Path
) -> None:
    wrong = changed(file, tmp_path / "m.onnx", lambda model: give_another_embedding(model, source))
    with pytest.raises(VerificationError, match=says) as caught:
        verify(wrong, network, clips[:2])
    assert "\n" not in str(caught.value)


def test_network_that_answers_nan_does_not_pass(
    file: Path, network: R2Plus1D18, clips: np.ndarray, tmp_path: Path
) -> None:
    broken = copy.deepcopy(network)
    torch.nn.init.constant_(broken.fc.bias, float("nan"))
    export = changed(file, tmp_path / "m.onnx", lambda model: add_to_bias(model, float("nan")))
    with pytest.raises(VerificationError, match="nan EF points"):
        verify(export, broken, clips[:1])


@pytest.mark.slow
def test_each_limit_is_held_and_named(
    file: Path, network: R2Plus1D18, clips: np.ndarray, tmp_path: Path
) -> None:
    shifted = changed(file, tmp_path / "m.onnx", lambda model: add_to_bias(model, 0.05))
    answers = ask_pytorch(network, clips)
    # Labels on the other side, so that the shift makes every error larger.
    reference_inputs = ReferenceInputs(clips, answers.expected, answers.expected - 10)
    for name, says in (
        ("mean", "on average"),
        ("p95", "95th percentile"),
        ("max", "up to"),
        ("mae", "labelled MAE"),
    ):
        verify_held_out(shifted, DriftCheck("fp32", reference_inputs, DriftLimits(**{name: 0.06})))
        with pytest.raises(VerificationError, match=rf"{says}.*allowed are 0\.04") as caught:
            verify_held_out(
                shifted, DriftCheck("fp32", reference_inputs, DriftLimits(**{name: 0.04}))
            )
        assert "0.0500" in str(caught.value) or "0.0499" in str(caught.value)


class Scripted:
    """An engine whose EF is 50 plus the mean of the clip, and worse in larger batches."""

    facts = None

    def run(self, clips: np.ndarray) -> Outputs:
        efs = 50 + clips.mean(axis=(1, 2, 3, 4)) + 0.5 * (len(clips) - 1)
        return Outputs(efs.astype(np.float32), np.zeros((len(clips), 1), np.float32))


def test_each_clip_counts_once_in_the_mean_and_every_run_in_the_maximum() -> None:
    drifts = np.arange(20, dtype=np.float32) / 10
    clips = np.ones((20, 3, 2, 4, 4), np.float32) * drifts.reshape(-1, 1, 1, 1, 1)
    fifty = np.full(20, 50, np.float32)
    reference_inputs = ReferenceInputs(clips, fifty, fifty - 1)
    found = measure_drift(Scripted(), reference_inputs, batches=(1, 2, 8))  # type: ignore[arg-type]
    assert found.mean == pytest.approx(drifts.mean(), abs=1e-5)
    assert found.p95 == pytest.approx(np.quantile(drifts, 0.95), abs=1e-5)
    assert found.mae == pytest.approx(drifts.mean(), abs=1e-5)
    # At batch 8 every EF is 3.5 higher, and the few hold the last clip.
    assert found.max == pytest.approx(1.9 + 3.5, abs=1e-4)
    assert measure_drift(Scripted(), reference_inputs, batches=(1,)).max == pytest.approx(
        1.9, abs=1e-4
    )  # type: ignore[arg-type]


def test_int8_is_judged_by_all_clips_and_the_others_by_a_few() -> None:
    clips = np.arange(32, dtype=np.float32).reshape(32, 1, 1, 1, 1)
    efs = np.arange(32, dtype=np.float32)
    reference_inputs = ReferenceInputs(clips, efs, efs)
    assert len(reference_inputs.of_precision("int8").clips) == 32
    few = reference_inputs.of_precision("fp16")
    assert len(few.clips) == 8
    assert (few.expected[0], few.expected[-1]) == (0, 31)
    assert (few.clips.ravel() == few.labels).all()
    assert len(ReferenceInputs(clips[:3], efs[:3], efs[:3]).few().clips) == 3
