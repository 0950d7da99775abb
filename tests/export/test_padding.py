"""Channels of zeros between the two factors of each convolution: the same answers, other counts."""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from graphs import quantize, write_random
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeecho.bundle import open_model, read_manifest
from edgeecho.engines import load_engine
from edgeecho_export.checks.lint import lint_qdq
from edgeecho_export.cli import export
from edgeecho_export.graph import quantized_inputs
from edgeecho_export.padding import PAD, pad_channels
from edgeecho_export.quantize import write_int8
from edgeecho_export.ranges import collect
from edgeecho_export.recipes.fp16 import write_fp16

FRAMES, SIZE = 12, 32
PUBLISHED = [45, *[144] * 4, 230, 230, 288, 288, 460, 460, 576, 576, 921, 921, 1152, 1152]
"""Filters of the convolutions over space at full width, as in torchvision."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`plain(width)`: a file without padding."""
    folder = tmp_path_factory.mktemp("plain")

    @cache
    def of(width: float) -> Path:
        return write_random(folder / f"{width}.onnx", width, frames=FRAMES, size=SIZE, pad=1)

    return of


def weights(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}


def between(model: onnx.ModelProto) -> list[int]:
    """Channels between the factors of each convolution."""
    values = weights(model)
    filters = (values[n.input[1]] for n in model.graph.node if n.op_type == "Conv")
    return [w.shape[0] for w in filters if w.shape[2] == 1 and w.shape[3] > 1]


def answers(model: onnx.ModelProto, clips: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    found: list[np.ndarray] = session.run(["ef", "embedding"], {"clip": clips})
    return found


def clips_of(seed: int, batch: int, size: int = SIZE) -> np.ndarray:
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.1, 3, (batch, 1, 1, 1, 1))
    clips: np.ndarray = (rng.standard_normal((batch, 3, FRAMES, size, size)) * scale).astype("f4")
    return clips


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(
    width=st.sampled_from([0.0625, 0.125, 0.25]),
    multiple=st.integers(1, 48),
    batch=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_answers_are_those_of_the_plain_graph(
    plain: Any, width: float, multiple: int, batch: int, seed: int
) -> None:
    model = onnx.load(plain(width))
    before, clips = between(model), clips_of(seed, batch)
    expected = answers(model, clips)
    pad_channels(model, multiple)
    onnx.checker.check_model(model, full_check=True)
    assert between(model) == [-(-count // multiple) * multiple for count in before]
    for found, given_before in zip(answers(model, clips), expected, strict=True):
        np.testing.assert_allclose(found, given_before, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_full_width_padded_to_8_has_the_same_answers(plain: Any) -> None:
    model, padded = onnx.load(plain(1.0)), onnx.load(plain(1.0))
    pad_channels(padded, PAD)
    assert between(model) == PUBLISHED
    assert sorted(set(between(padded))) == [48, 144, 232, 288, 464, 576, 928, 1152]
    clips = clips_of(3, 3)
    for found, expected in zip(answers(padded, clips), answers(model, clips), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_export_pads_to_8_by_default(plain: Any, padded: Path) -> None:
    assert inspect.signature(export).parameters["pad"].default == PAD == 8
    expected = onnx.load(plain(0.0625))
    pad_channels(expected, 8)
    found = onnx.load(padded)
    assert between(found) == between(expected) != between(onnx.load(plain(0.0625)))
    assert all((value == weights(expected)[name]).all() for name, value in weights(found).items())


@pytest.mark.slow
def test_a_convolution_may_have_no_bias(plain: Any) -> None:
    model = onnx.load(plain(0.0625))
    for node in model.graph.node:
        if node.op_type == "Conv" and node.input[1] in ("stem.0.weight", "stem.3.weight"):
            del node.input[2]
    clips = clips_of(9, 2)
    expected = answers(model, clips)
    pad_channels(model, 8)
    for found, given_before in zip(answers(model, clips), expected, strict=True):
        np.testing.assert_allclose(found, given_before, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_only_zeros_are_added_behind_the_trained_values(plain: Any) -> None:
    model = onnx.load(plain(0.0625))
    before = weights(model)
    pad_channels(model, 8)
    grown = 0
    for name, value in weights(model).items():
        old = before[name]
        inside = tuple(slice(size) for size in old.shape)
        assert (value[inside] == old).all()
        assert np.count_nonzero(value) == np.count_nonzero(old)
        grown += value.shape != old.shape
    assert grown, "nothing was padded: the test shows nothing"
    assert weights(model).keys() == before.keys()
    # The shapes that a reader of the file is told are those of its values.
    told = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    assert told.graph.value_info == model.graph.value_info


@pytest.mark.slow
def test_a_pair_that_is_read_elsewhere_is_no_pair(plain: Any) -> None:
    model = onnx.load(plain(0.0625))
    first = next(node for node in model.graph.node if node.op_type == "Relu")
    model.graph.output.append(onnx.ValueInfoProto(name=first.input[0]))
    with pytest.raises(RuntimeError, match=r"stem\.3\.weight"):
        pad_channels(model, 8)


@pytest.fixture(scope="module")
def padded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("padded")
    return write_random(folder / "fp32.onnx", 0.0625, frames=FRAMES, size=SIZE)


@pytest.mark.slow
def test_fp16_of_it_is_fp16_of_the_plain_one(plain: Any, padded: Path, tmp_path: Path) -> None:
    write_fp16(plain(0.0625), tmp_path / "plain.onnx")
    write_fp16(padded, tmp_path / "padded.onnx")
    clips = clips_of(5, 2)
    alone, other = (answers(onnx.load(tmp_path / f), clips) for f in ("plain.onnx", "padded.onnx"))
    for found, expected in zip(other, alone, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)


def int8_of(fp32: Path, path: Path) -> Path:
    ranges = collect(fp32, [clips_of(seed, 1) for seed in range(3)], ["minmax"])
    write_int8(fp32, path, {name: ranges.largest[name] for name in quantized_inputs(fp32)})
    return path


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_int8_of_it_has_scales_above_0_and_the_plain_ones_answers(
    engine: str, plain: Any, padded: Path, tmp_path: Path
) -> None:
    found = int8_of(padded, tmp_path / "padded.onnx")
    expected = int8_of(plain(0.0625), tmp_path / "plain.onnx")
    model = onnx.load(found)
    values = weights(model)
    empty = 0
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in values:
            quantized, scale = values[node.input[0]], values[node.input[1]]
            zeros = ~quantized.any(axis=(1, 2, 3, 4))
            assert (scale > 0).all()
            assert np.isfinite(scale).all()
            empty += int(zeros.sum())
    assert empty, "no filter of zeros was quantized: the test shows nothing"
    assert lint_qdq(model) == ()
    clips = clips_of(7, 3)
    ours, theirs = (load_engine(engine, open_model(file)).run(clips) for file in (found, expected))
    np.testing.assert_allclose(ours.ef, theirs.ef, atol=1e-3)
    np.testing.assert_allclose(ours.embedding, theirs.embedding, rtol=1e-2, atol=1e-2)


@pytest.mark.slow
def test_quantizers_of_others_take_it_too(padded: Path, tmp_path: Path) -> None:
    assert lint_qdq(onnx.load(quantize(padded, tmp_path / "int8.onnx"))) == ()


@pytest.mark.slow
def test_export_pads_and_says_so_and_can_be_told_not_to(
    edgeecho: Any, narrow_run: Path, narrow_bundle: Path, tmp_path: Path
) -> None:
    export = ["export", narrow_run / "best.pt", "--out", tmp_path / "plain"]
    done = edgeecho(*export, "--pad", 1, "--no-shared")
    assert done.returncode == 0, done.stderr
    trained = between(onnx.load(tmp_path / "plain" / "fp32.onnx"))
    assert any(count % 8 for count in trained)
    padded = between(onnx.load(narrow_bundle / "fp32.onnx"))
    assert padded == [-(-count // 8) * 8 for count in trained]
    for bundle, multiple in ((tmp_path / "plain", None), (narrow_bundle, 8)):
        assert read_manifest(bundle).architecture.get("padded_to") == multiple
        said = " ".join(edgeecho("inspect", bundle).stdout.split())
        assert ("pads with zeros to a multiple of 8 count too" in said) == (multiple == 8)
    assert edgeecho(*export, "--pad", 0).returncode == 2
