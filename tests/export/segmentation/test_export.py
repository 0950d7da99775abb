"""A bundle with a segmentation: its files, their checks, and that it is complete or not there."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from offered import MASK_KERNELS, offered, operators
from segmented import MASKS, segmented_in_every_precision
from traced import traced_once

from edgeecho.bundle import Manifest, MaskArtefact, Segmentation, open_model, read_manifest
from edgeecho.bundle.card_segmentation import segmentation_section
from edgeecho.bundle.files import MaskFile, ModelFile
from edgeecho.common.errors import UsageError
from edgeecho.common.files import sha256_file
from edgeecho.common.precisions import PRECISIONS, MaskLimits
from edgeecho.engines import load_segmentation, segmentation_file
from edgeecho.engines.onnxruntime import CUDA
from edgeecho.preprocess import PreprocessSpec
from edgeecho_export.checks.lint import lint_qdq
from edgeecho_export.checks.rounded import run_rounded
from edgeecho_export.graph import head_convolutions, stem_convolutions
from edgeecho_export.printed import _masks
from edgeecho_export.segmentation import parity
from edgeecho_export.segmentation.graph import write_onnx
from edgeecho_train.segmentation.network import build_segmentation

pytestmark = pytest.mark.slow
FLOAT, FLOAT16 = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16


@pytest.fixture(scope="module")
def manifest(in_every_precision: Path) -> Manifest:
    return read_manifest(in_every_precision)


@pytest.fixture(scope="module")
def segmentation(manifest: Manifest) -> Segmentation:
    assert manifest.segmentation is not None
    return manifest.segmentation


@pytest.fixture(scope="module")
def artefacts(segmentation: Segmentation) -> dict[str, MaskArtefact]:
    return dict(segmentation.artefacts)


@pytest.fixture
def int8(in_every_precision: Path) -> onnx.ModelProto:
    return onnx.load(in_every_precision / "segmentation.int8.onnx")


def frames(count: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((count, 3, 112, 112)).astype(np.float32)


def test_both_networks_are_there_in_every_precision(
    in_every_precision: Path, manifest: Manifest, segmentation: Segmentation
) -> None:
    assert list(segmentation.artefacts) == list(manifest.artefacts) == list(PRECISIONS)
    for precision, artefact in segmentation.artefacts.items():
        assert artefact.file == f"segmentation.{precision}.onnx"
        opened = open_model(in_every_precision, precision=precision)
        assert opened.segmentation is not None
        assert opened.segmentation.path.name == artefact.file
        (entry,) = onnx.load(in_every_precision / artefact.file).metadata_props
        facts = json.loads(entry.value)
        assert (facts["precision"], facts["task"]) == (precision, "segmentation")
    assert segmentation.architecture == {
        "name": "lraspp_mobilenet_v3_large",
        "width": 0.3,
        "parameters": 317_298,
    }


def test_every_check_is_recorded_with_its_limits(artefacts: dict[str, MaskArtefact]) -> None:
    parts = {
        name: sorted((check.part, check.engine) for check in artefact.verification)
        for name, artefact in artefacts.items()
    }
    engines = [("engine", "onnxruntime"), ("engine", "openvino")]
    assert parts["fp32"] == parts["int8"] == engines
    assert parts["fp16"] == [
        ("arithmetic", "pytorch"),
        ("weights", "onnxruntime"),
        ("weights", "openvino"),
    ]
    for name, artefact in artefacts.items():
        limits = PRECISIONS[name].masks
        for check in artefact.verification:
            assert check.allowed == limits.to_dict()
            assert check.dice >= limits.dice
            assert check.frames == 8
    found = artefacts["fp16"].range
    assert found is not None
    assert (found.clips, found.source) == (8, "calibration set")
    assert 1 < found.largest < found.limit
    assert artefacts["fp32"].range is artefacts["int8"].range is None


def test_how_int8_was_calibrated_is_recorded(
    segmentation: Segmentation, artefacts: dict[str, MaskArtefact]
) -> None:
    assert segmentation.calibration is not None
    assert segmentation.calibration["method"] == "minmax"
    (tried,) = segmentation.calibration["methods"]
    assert tried["method"] == "minmax"
    assert tried["dice"] >= min(check.dice for check in artefacts["int8"].verification) - 1e-9


def test_int8_masks_that_miss_their_limits_are_fp32s_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strict = replace(PRECISIONS["int8"], masks=MaskLimits(dice=1.0, area=0.0, worst_area=0.0))
    monkeypatch.setattr(parity, "PRECISIONS", {**PRECISIONS, "int8": strict})
    bundle = tmp_path / "bundle"
    with traced_once():
        segmented_in_every_precision(bundle, precisions=("fp32", "int8"))
    assert "the INT8 network gets the FP32 masks" in capsys.readouterr().err
    assert not (bundle / "segmentation.int8.onnx").exists()
    found = read_manifest(bundle).segmentation
    assert found is not None
    assert found.artefacts["int8"] == found.artefacts["fp32"]
    assert found.calibration is not None
    assert found.calibration["method"] is None
    card = segmentation_section(found)
    assert "the INT8 network has the FP32 masks" in card
    assert card.count("| fp32 |") == len(found.artefacts["fp32"].verification)

    model = open_model(bundle, precision="int8")
    assert segmentation_file(model).precision == "fp32"
    assert model.segmentation is not None
    assert model.segmentation.path.name == "segmentation.fp32.onnx"


def test_fp16_is_so_from_the_first_layer_to_the_last(in_every_precision: Path) -> None:
    path = in_every_precision / "segmentation.fp16.onnx"
    model = onnx.shape_inference.infer_shapes(onnx.load(path), strict_mode=True, data_prop=True)
    # ONNX takes the factors of a Resize in FP32 only.
    factors = {node.input[2] for node in model.graph.node if node.op_type == "Resize"}
    constants = {one.name: one.data_type for one in model.graph.initializer}
    kinds = {kind for name, kind in constants.items() if name not in factors}
    assert {FLOAT, FLOAT16} & kinds == {FLOAT16}
    for value in (*model.graph.input, *model.graph.output):
        assert value.type.tensor_type.elem_type == FLOAT
    types = {v.name: v.type.tensor_type.elem_type for v in model.graph.value_info}
    for node in model.graph.node:
        if node.op_type != "Cast":
            assert types[node.output[0]] == FLOAT16, node.name
    assert sum(node.op_type == "Cast" for node in model.graph.node) == 2
    half = in_every_precision / "segmentation.fp32.onnx"
    assert path.stat().st_size < 0.65 * half.stat().st_size


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_cuda_is_offered_only_operators_that_it_has(
    in_every_precision: Path, precision: str, tmp_path: Path
) -> None:
    # A shape would be computed by the CPU, for which CUDA's session refuses the graph: H100, once.
    file = in_every_precision / f"segmentation.{precision}.onnx"
    found = operators(offered(file, CUDA, tmp_path / "offered.onnx"))
    assert set(found) - {"QuantizeLinear", "DequantizeLinear"} == MASK_KERNELS


def test_a_size_that_the_strides_do_not_divide_gives_pytorchs_logits(tmp_path: Path) -> None:
    size = 100
    torch.manual_seed(0)
    network = build_segmentation("lraspp_mobilenet_v3_large", 0.25).eval()
    file = tmp_path / "segmentation.onnx"
    spec = PreprocessSpec((30, 30, 30), (50, 50, 50), size=size)
    write_onnx(file, network, spec, name="n", version="1")
    assert "Shape" not in {node.op_type for node in onnx.load(file).graph.node}
    some = np.random.default_rng(0).standard_normal((3, 3, size, size)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(some))["out"][:, 0].numpy()
    mask_file = MaskFile(file, sha256_file(file), file.stem, "fp32")
    model = ModelFile(file, "", "n", "1", "fp32", spec, "", segmentation=mask_file)
    for engine in ("onnxruntime", "openvino"):
        found = load_segmentation(engine, model).infer({"frame": some})["logits"]
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_the_interpreter_gives_the_engines_logits_and_rounds_fp16(in_every_precision: Path) -> None:
    some = frames(3)
    logits = {}
    for precision in ("fp32", "fp16"):
        model = open_model(in_every_precision, precision=precision)
        found = load_segmentation("onnxruntime", model).infer({"frame": some})["logits"]
        rounded = run_rounded(
            in_every_precision / f"segmentation.{precision}.onnx", some, at_once=2
        )
        logits[precision] = rounded, np.abs(rounded - found).max()
    scale = np.abs(logits["fp32"][0]).max()
    assert logits["fp32"][1] < 1e-5 * scale, "nothing to round in FP32"
    assert logits["fp16"][1] > 1e-5 * scale, "layers are not rounded"
    assert np.abs(logits["fp16"][0] - logits["fp32"][0]).max() < 0.02 * scale


def test_int8_leaves_stem_pooled_branches_and_logits_in_float(int8: onnx.ModelProto) -> None:
    assert lint_qdq(int8) == ()
    maker = {name: node for node in int8.graph.node for name in node.output}
    convolutions = [node for node in int8.graph.node if node.op_type == "Conv"]
    floating = [node for node in convolutions if node.input[1] not in maker]
    # What has a quarter of the frame's resolution or more, what sees a pooled frame, the logits.
    expected = [
        "backbone.0.0",
        *(f"backbone.1.block.{i}.0" for i in range(2)),
        *(f"backbone.{i}.block.{j}.0" for i in (2, 3) for j in range(3)),
        "backbone.4.block.0.0",
        *(f"backbone.{i}.block.2.fc{j}" for i in (4, 5, 6, 11, 12, 13, 14, 15) for j in (1, 2)),
        "classifier.scale.1",
        "classifier.low_classifier",
        "classifier.high_classifier",
    ]
    found = sorted(node.input[1] for node in floating)
    assert found == sorted(f"network.{name}.weight" for name in expected)
    assert {node.output[0] for node in floating} == (
        stem_convolutions(int8) | head_convolutions(int8)
    )
    assert len(convolutions) == 66
    for node in int8.graph.node:
        if node.op_type == "ReduceMean":
            assert maker[node.input[0]].op_type != "DequantizeLinear"


def test_lint_names_a_quantized_branch(int8: onnx.ModelProto) -> None:
    """What another exporter, which quantizes every convolution, would make."""
    (branch,) = (
        n for n in int8.graph.node if n.input[1:2] == ["network.classifier.scale.1.weight"]
    )
    quantized = next(
        n
        for n in int8.graph.node
        if n.op_type == "Conv" and n.input[1].endswith("_DequantizeLinear_Output")
    )
    branch.input[1] = quantized.input[1]
    assert "float-head" in {finding.rule for finding in lint_qdq(int8)}


def test_a_precision_without_a_recipe_for_masks_says_what_to_leave_out(tmp_path: Path) -> None:
    from edgeecho_export.recipes.base import ExportRecipe

    class Again(ExportRecipe):
        name = "again"

        def make(self, work: object, path: Path) -> None: ...

    with pytest.raises(UsageError, match="leave --again or --segmentation out"):
        Again().make_masks(None, tmp_path)


def test_export_writes_both_networks_and_says_what_it_checked(segmented_bundle: Path) -> None:
    manifest = read_manifest(segmented_bundle)
    assert manifest.segmentation is not None
    assert list(manifest.segmentation.artefacts) == list(manifest.artefacts) == ["fp32"]
    assert manifest.segmentation.calibration is None
    assert manifest.segmentation.provenance["checkpoint_sha256"] == sha256_file(MASKS)
    assert "recognised" not in manifest.segmentation.provenance
    lines = list(_masks(manifest.segmentation))
    assert len(lines) == 2
    assert all(re.match(r"segmentation.fp32.onnx on \w+ [0-9.]+: Dice 1.00000", s) for s in lines)


def test_what_export_prints_of_each_precision(segmentation: Segmentation) -> None:
    text = "\n".join(_masks(segmentation))
    assert "segmentation.fp16.onnx, range: largest of " in text
    assert "segmentation.fp16.onnx, arithmetic, on pytorch" in text
    assert "segmentation.fp16.onnx, weights, on openvino" in text
    assert "segmentation.int8.onnx on openvino" in text
