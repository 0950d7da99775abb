"""The repository that `edgeecho triton` writes, as Triton's own definition of a config reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from edgeecho.bundle import open_model

NARROW = Path(__file__).parents[3] / "models" / "narrow" / "bundle"


def configs(repository: Path) -> dict[str, Any]:
    """By the model's name; a field or value that Triton does not know is an error."""
    pytest.importorskip("grpc", reason="tritonclient[grpc] is not installed")
    from google.protobuf import text_format
    from tritonclient.grpc.model_config_pb2 import ModelConfig

    texts = {path.parent.name: path.read_text() for path in repository.glob("*/config.pbtxt")}
    return {name: text_format.Parse(text, ModelConfig()) for name, text in texts.items()}


def test_the_models_of_a_bundle_for_onnx_runtime(edgeecho: Any, tmp_path: Path) -> None:
    done = edgeecho("triton", NARROW, "--out", tmp_path / "r")
    assert (done.returncode, done.stderr) == (0, "")
    assert "edgeecho, edgeecho-clips, edgeecho-shared" in done.stdout
    for name in ("edgeecho-clips/1/fp32.onnx", "edgeecho-shared/1/fp32-shared.onnx"):
        content = (tmp_path / "r" / name).read_bytes()
        assert content == (NARROW / Path(name).name).read_bytes()
    # The shared graph finds its weights beside it.
    assert (tmp_path / "r" / "edgeecho-shared" / "1" / "fp32.onnx").is_file()
    bundle = open_model(tmp_path / "r" / "edgeecho" / "1" / "bundle")
    assert bundle.sha256 == hashlib.sha256((NARROW / "fp32.onnx").read_bytes()).hexdigest()
    assert "Research use only" in (tmp_path / "r" / "README.md").read_text()


def test_triton_reads_every_config(edgeecho: Any, tmp_path: Path) -> None:
    for backend in ("onnxruntime", "tensorrt", "python"):
        edgeecho("triton", NARROW, "--out", tmp_path / backend, "--backend", backend)
        found = configs(tmp_path / backend)
        for name, config in found.items():
            assert config.name == name
            assert config.parameters["research_use"].string_value
        clips = found["edgeecho-clips"]
        assert (clips.backend, clips.max_batch_size) == (backend, 16)
        assert list(clips.input[0].dims) == [3, 32, 112, 112]
        assert [warm.batch_size for warm in clips.model_warmup] == [1, 16]
        assert clips.HasField("dynamic_batching")
        answers = found["edgeecho"]
        assert (answers.backend, answers.instance_group[0].count) == ("python", 2)
        assert {output.name for output in answers.output} >= {"ef", "refusals", "interval"}
        assert ("edgeecho-shared" in found) == (backend != "tensorrt")
    assert clips.default_model_filename == ""
    assert configs(tmp_path / "tensorrt")["edgeecho-clips"].default_model_filename == "fp32.plan"
    assert "trtexec --onnx=" in (tmp_path / "tensorrt" / "README.md").read_text()


def test_what_a_user_can_mend(edgeecho: Any, tmp_path: Path) -> None:
    done = edgeecho("triton", NARROW, "--out", tmp_path / "r", "--backend", "tvm")
    assert (done.returncode, "--backend 'tvm' is not known" in done.stderr) == (2, True)
    done = edgeecho("triton", NARROW / "fp32.onnx", "--out", tmp_path / "r")
    assert (done.returncode, "is no bundle folder" in done.stderr) == (4, True)
    assert not (tmp_path / "r").exists()
    edgeecho("triton", NARROW, "--out", tmp_path / "r")
    assert edgeecho("triton", NARROW, "--out", tmp_path / "r").returncode == 2
    assert edgeecho("triton", NARROW, "--out", tmp_path / "r", "--overwrite").returncode == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine").touch()
    done = edgeecho("triton", NARROW, "--out", tmp_path / "other", "--overwrite")
    assert done.returncode == 2
    assert (tmp_path / "other" / "mine").exists()
