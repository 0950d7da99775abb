"""The shared graph: the plain graph's answers, for any frames, clips and precision."""

from __future__ import annotations

import json
import shutil
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

from edgeecho.bundle import ModelFile, SharedFile, open_model, read_manifest
from edgeecho.common.errors import EngineError, ModelError, UsageError
from edgeecho.common.files import sha256_file
from edgeecho.common.precisions import LIMITS
from edgeecho.engines import OURS, load_engine, load_shared
from edgeecho_export.checks import shared as shared_check
from edgeecho_export.checks.shared import add_shared
from edgeecho_export.recipes.fp16 import write_fp16
from edgeecho_export.shared.file import write_shared
from edgeecho_export.shared.graph import share

pytestmark = pytest.mark.slow

SIZE = 32
CPU = [entry for entry in OURS if entry.device == "cpu"]
ENGINE_NAMES = [entry.name for entry in CPU if entry.shares and entry.available]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def pairs(folder: Path) -> Any:
    """`pairs(length)`: plain and shared graph of one network for clips of so many frames."""

    @cache
    def of(length: int) -> tuple[Any, Any]:
        plain = write_random(folder / f"plain{length}.onnx", 0.0625, frames=length, size=SIZE)
        path, _ = write_shared(plain)
        return onnxruntime.InferenceSession(plain), onnxruntime.InferenceSession(path)

    return of


def clips_of(frames: np.ndarray, starts: list[int], length: int) -> np.ndarray:
    return np.stack([frames[:, s : s + length] for s in starts])


@settings(deadline=None, max_examples=20)
@given(data=st.data(), length=st.sampled_from([12, 16, 31, 32]))
def test_answers_are_those_of_the_plain_graph(pairs: Any, data: st.DataObject, length: int) -> None:
    plain, shared = pairs(length)
    more = data.draw(st.integers(0, 21), label="frames beyond a clip")
    starts = data.draw(
        st.lists(st.integers(0, more // 2).map(lambda s: 2 * s), min_size=1, max_size=5)
    )
    rng = np.random.default_rng(more)
    # Each frame at a level of its own: an answer by a neighbour's states is another answer.
    levels = rng.uniform(0, 4, (1, length + more, 1, 1))
    frames = (rng.standard_normal((3, length + more, SIZE, SIZE)) * levels).astype(np.float32)
    expected = plain.run(["ef", "embedding"], {"clip": clips_of(frames, starts, length)})
    found = shared.run(
        ["ef", "embedding"], {"frames": frames[None], "starts": np.array(starts, np.int64)}
    )
    for row, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(row, other, rtol=1e-4, atol=1e-4)


def test_both_stages_are_shared_where_clips_are_long_enough(pairs: Any, folder: Path) -> None:
    convolutions = {}
    for length in (16, 32):
        pairs(length)
        graph = onnx.load(folder / f"plain{length}-shared.onnx", load_external_data=False).graph
        convolutions[length] = sum(node.op_type == "Conv" for node in graph.node)
    # 37 in the plain graph: of stem and layer1 (10) all but the stem's first two ends are tripled.
    assert convolutions[32] > convolutions[16] > 37 + 10


def test_clips_that_are_too_short_are_refused(folder: Path) -> None:
    plain = write_random(folder / "short.onnx", 0.0625, frames=8, size=SIZE)
    with pytest.raises(UsageError, match="at least 12 frames"):
        share(onnx.load(plain))


def test_weights_are_stored_once_and_no_path_is(folder: Path) -> None:
    plain = write_random(folder / "wide.onnx", 0.25, frames=16, size=SIZE)
    path, cost = write_shared(plain)
    assert path.stat().st_size < plain.stat().st_size / 20
    model = onnx.load(path, load_external_data=False)
    stored = {t.name: {e.key: e.value for e in t.external_data} for t in model.graph.initializer}
    assert {entry["location"] for entry in stored.values() if entry} == {"wide.onnx"}
    assert str(folder).encode() not in path.read_bytes()
    facts = next(json.loads(p.value) for p in model.metadata_props if p.key == "edgeecho.model")
    assert facts["shared"] is True
    # One clip alone has nothing to share: it costs no less, and not twice as much.
    alone = cost.frame * 16 + cost.clip + cost.fixed
    assert cost.plain <= alone < 2 * cost.plain
    assert cost.frame < cost.clip < cost.plain


def as_model(plain: Path) -> ModelFile:
    path, cost = write_shared(plain)
    model = open_model(plain)
    return ModelFile(**{**vars(model), "shared": SharedFile(path, sha256_file(path), cost)})


@pytest.fixture(scope="module")
def files(folder: Path) -> Any:
    """`files(precision)`: the plain graph of one network."""

    @cache
    def of(precision: str) -> Path:
        if precision == "fp32":
            return write_random(folder / "base.onnx", 0.125, frames=32, size=SIZE)
        if precision == "int8":
            return quantize(of("fp32"), folder / "quantized.onnx", clips=4)
        write_fp16(of("fp32"), folder / "half.onnx")
        return folder / "half.onnx"

    return of


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_every_precision_on_every_engine(engine: str, precision: str, files: Any) -> None:
    model = as_model(files(precision))
    rng = np.random.default_rng(5)
    frames = rng.random((3, 48, SIZE, SIZE)).astype(np.float32)
    starts = [0, 2, 4, 14, 16]
    alone = load_engine(engine, model).run(clips_of(frames, starts, 32)).ef
    together = load_shared(engine, model).infer(
        {"frames": frames[None], "starts": np.array(starts, np.int64)}
    )
    assert together["embedding"].shape == (5, 64)
    spread = {"fp32": 1e-4, "fp16": 0.02, "int8": 0.05}[precision]
    np.testing.assert_allclose(together["ef"], alone, atol=spread)


def test_bundle_names_it_and_a_damaged_one_is_not_opened(
    edgeecho: Any, narrow_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    done = edgeecho("export", narrow_run / "best.pt", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "fp32-shared.onnx: overlapping clips together, at most 0.0000" in done.stdout
    entry = read_manifest(out).artefacts["fp32"].shared
    assert entry is not None
    assert {check["engine"] for check in entry.verification} == {"openvino", "onnxruntime"}
    assert all(check["max_difference"] <= 1e-3 for check in entry.verification)
    copy = tmp_path / "copy"
    assert edgeecho("slim", out, "--precision", "fp32", "--out", copy).returncode == 0
    shared = open_model(copy).shared
    assert shared is not None
    content = bytearray(shared.path.read_bytes())
    content[len(content) // 2] ^= 1
    shared.path.write_bytes(content)
    with pytest.raises(ModelError, match=r"fp32-shared\.onnx was changed after export"):
        open_model(copy)


def test_an_engine_that_cannot_open_it_is_named_and_stops_nothing_unless_it_must_check(
    narrow_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As CUDA may, which answers single clips."""
    folder = Path(shutil.copytree(narrow_bundle, tmp_path / "bundle"))
    artefact = read_manifest(folder).artefacts["fp32"]
    clips = np.random.default_rng(1).standard_normal((2, 3, 32, 56, 56), np.float32)

    def load(engine: str, model: ModelFile) -> Any:
        if engine in cannot:
            raise EngineError("its nodes are left to the CPU")
        return load_shared(engine, model)

    monkeypatch.setattr(shared_check, "load_shared", load)
    cannot = {"onnxruntime"}
    found = add_shared(artefact, folder, clips, LIMITS["fp32"]).shared
    assert found is not None
    assert [check["engine"] for check in found.verification] == ["openvino"]
    said = " ".join(capsys.readouterr().err.split())
    assert "fp32-shared.onnx is not checked on onnxruntime: its nodes are left to the CPU" in said
    with pytest.raises(EngineError, match="its nodes are left to the CPU"):
        add_shared(artefact, folder, clips, LIMITS["fp32"], "onnxruntime")
    cannot = {"onnxruntime", "openvino"}
    with pytest.raises(EngineError, match=r"no engine here can check fp32-shared\.onnx"):
        add_shared(artefact, folder, clips, LIMITS["fp32"])


def test_a_graph_with_other_answers_makes_no_bundle(
    edgeecho: Any, narrow_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(plain: Path) -> Any:
        path, cost = write_shared(plain)
        model = onnx.load(path, load_external_data=False)
        # Heads alone are wrong, and by one bias only.
        biases = [t for t in model.graph.initializer if t.name.endswith("/head/bias")]
        values = onnx.numpy_helper.to_array(biases[3]) + 3
        biases[3].CopyFrom(onnx.numpy_helper.from_array(values, biases[3].name))
        path.write_bytes(model.SerializeToString())
        return path, cost

    monkeypatch.setattr(shared_check, "write_shared", spoiled)
    out = tmp_path / "bundle"
    done = edgeecho("export", narrow_run / "best.pt", "--out", out)
    assert done.returncode == 6
    assert "against the plain graph" in done.stderr
    assert "--no-shared" in done.stderr
    assert not out.exists()
    assert edgeecho("export", narrow_run / "best.pt", "--out", out, "--no-shared").returncode == 0
    assert read_manifest(out).artefacts["fp32"].shared is None
