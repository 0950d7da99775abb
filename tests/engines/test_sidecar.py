from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from edgeecho.bundle import ModelFile, default_model, open_model
from edgeecho.common.errors import EngineError
from edgeecho.common.files import write_json
from edgeecho.common.seal import sealed
from edgeecho.engines import sidecar as sidecars
from edgeecho.engines.nvidia.cuda import Device
from edgeecho.engines.sidecar import FOLDER, check_engine, sidecar_of
from edgeecho.engines.tensorrt import RTX
from edgeecho.engines.tensorrt.built import Machine, TensorRTSidecar, choose_engine, read_engines

ENGINE = b"an engine's bytes"


def read_sidecar(file: Path) -> TensorRTSidecar | None:
    return sidecars.read_sidecar(file, TensorRTSidecar, [RTX])


@pytest.fixture(scope="module")
def model() -> ModelFile:
    return open_model()


@pytest.fixture
def sidecar(model: ModelFile) -> TensorRTSidecar:
    return TensorRTSidecar(
        file="fp32-tensorrt-rtx-1.7.1.116-sm86.engine",
        sha256=hashlib.sha256(ENGINE).hexdigest(),
        kind="tensorrt-rtx",
        version="1.7.1.116",
        platform="Linux x86_64",
        precision="fp32",
        onnx_file="fp32.onnx",
        onnx_sha256=model.sha256,
        compute_capabilities=("sm86",),
        batch=(1, 4, 8),
        input_shape=(3, 32, 112, 112),
        layers={"count": 1, "convolutions": {"Float": ["stem.0"]}},
        edgeecho="0.1.0",
    )


@pytest.fixture
def file(sidecar: TensorRTSidecar, tmp_path: Path) -> Path:
    """A sidecar in a bundle's folder, its engine beside it."""
    engine = tmp_path / FOLDER / sidecar.file
    engine.parent.mkdir()
    engine.write_bytes(ENGINE)
    write_json(sidecar_of(engine), sidecar.to_dict())
    return sidecar_of(engine)


def test_what_is_written_is_read(sidecar: TensorRTSidecar, file: Path, tmp_path: Path) -> None:
    assert file.name == "fp32-tensorrt-rtx-1.7.1.116-sm86.json"
    assert read_sidecar(file) == sidecar
    assert read_engines(tmp_path)[0] == (sidecar,)


def test_bundle_without_engines_has_none_and_what_is_on_its_way_is_none(
    file: Path, tmp_path: Path
) -> None:
    assert read_engines(default_model())[0] == ()
    file.rename(file.with_name(f".{file.stem}-abc.tmp.json"))
    assert read_engines(tmp_path)[0] == ()


def test_engine_of_the_model_is_found(
    sidecar: TensorRTSidecar, file: Path, model: ModelFile
) -> None:
    assert check_engine(sidecar, file.parent, model) == file.with_suffix(".engine")


def test_stale_engine_names_both_sides(
    sidecar: TensorRTSidecar, file: Path, model: ModelFile
) -> None:
    other = dataclasses.replace(sidecar, onnx_sha256="ab" * 32)
    with pytest.raises(EngineError, match="stale") as caught:
        check_engine(other, file.parent, model)
    assert f"with sha256 {'ab' * 6}…, the bundle's" in str(caught.value)
    assert f" has {model.sha256[:12]}…: build it again" in str(caught.value)
    assert "edgeecho build" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [(ENGINE + b"!", r"\(sha256 \w{12}…, its sidecar says \w{12}…\)"), (None, "missing")],
)
def test_engine_that_is_not_the_one_built_is_refused(
    content: bytes | None, says: str, sidecar: TensorRTSidecar, file: Path, model: ModelFile
) -> None:
    engine = file.with_suffix(".engine")
    engine.unlink() if content is None else engine.write_bytes(content)
    with pytest.raises(EngineError, match=says):
        check_engine(sidecar, file.parent, model)


def spoiled(value: dict[str, Any], name: str, to: Any) -> str:
    """With a seal that fits, as another program might write it."""
    changed = {k: v for k, v in value.items() if k != name} if to is None else {**value, name: to}
    return json.dumps(sealed(changed))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda v: None, "missing"),
        (lambda v: "{", "cannot be read"),
        (lambda v: "[]", "schema version None"),
        (lambda v: spoiled(v, "schema_version", 2), "schema version 2"),
        (lambda v: json.dumps({**v, "onnx_sha256": "ab" * 32}), "seal"),
        (lambda v: spoiled(v, "batch", None), "incomplete"),
        (lambda v: spoiled(v, "batch", 4), "incomplete"),
        (lambda v: spoiled(v, "batch", [1, 2]), "incomplete"),
        (lambda v: spoiled(v, "batch", [1, 2, "8"]), "incomplete"),
        (lambda v: spoiled(v, "sha256", None), "incomplete"),
        (lambda v: spoiled(v, "file", ["a"]), "incomplete"),
        (lambda v: spoiled(v, "version", 10**4000), "incomplete"),
        (lambda v: spoiled(v, "layers", []), "incomplete"),
        (lambda v: spoiled(v, "file", "a\0b"), "no file beside it"),
        (lambda v: "[" * 200_000, "cannot be read"),
        (lambda v: "1" * 5000, "cannot be read"),
        (lambda v: spoiled(v, "colour", "red"), "incomplete"),
        (lambda v: spoiled(v, "file", "../other.engine"), "no file beside it"),
    ],
)
def test_sidecar_that_cannot_be_trusted_is_refused_in_one_line(
    spoil: Any, says: str, sidecar: TensorRTSidecar, file: Path
) -> None:
    text = spoil(sidecar.to_dict())
    file.unlink() if text is None else file.write_text(text)
    with pytest.raises(EngineError, match=says) as caught:
        read_sidecar(file)
    assert "edgeecho build" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("tensorrt", ""), ("tensorrt-rtx", " --compute-capability sm87")],
)
def test_without_an_engine_the_command_that_builds_one_here_is_given(
    kind: str, options: str, model: ModelFile
) -> None:
    orin = Device(name="Orin", multiprocessors=8, compute_capability="sm87", cuda="12.6")
    with pytest.raises(EngineError) as caught:
        choose_engine(model, Machine(kind, "10.3.0", orin))
    # TensorRT builds for the GPU here; RTX, which can build for others, must be told which.
    assert str(caught.value).endswith(
        f"build one: edgeecho build BUNDLE --precision {model.precision} --engine {kind}{options}"
    )


def test_a_stray_file_costs_no_other_engine(
    sidecar: TensorRTSidecar, file: Path, tmp_path: Path
) -> None:
    (tmp_path / FOLDER / "notes.json").write_text("{}")
    found, unusable = read_engines(tmp_path)
    assert found == (sidecar,)
    (reason,) = unusable
    assert reason.startswith("notes.json has schema version None")
    assert str(tmp_path) not in reason
