from __future__ import annotations

import json
import re
import shutil
import sys
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest

from edgeecho.bundle import Manifest, open_model, read_manifest
from edgeecho.common.errors import ModelError
from edgeecho.common.seal import sealed

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"


@pytest.fixture
def bundle(narrow_bundle: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(narrow_bundle, tmp_path / "bundle"))


def edit(bundle: Path, **changes: Any) -> None:
    file = bundle / "manifest.json"
    file.write_text(json.dumps(sealed({**json.loads(file.read_text()), **changes})))


def test_a_bundle_opens_with_what_its_manifest_says(bundle: Path) -> None:
    model = open_model(bundle)
    manifest = read_manifest(bundle)
    assert model.path == bundle / "fp32.onnx"
    assert model.preprocess == manifest.preprocess
    assert model.trained_on == manifest.trained_on
    assert "phantoms" in model.trained_on


def test_a_manifest_survives_json(bundle: Path) -> None:
    manifest = read_manifest(bundle)
    assert Manifest.from_dict(json.loads(json.dumps(manifest.to_dict()))) == manifest


def test_a_lone_onnx_file_carries_its_preprocessing(bundle: Path, tmp_path: Path) -> None:
    lone = Path(shutil.copy(bundle / "fp32.onnx", tmp_path / "lone.onnx"))
    model, in_bundle = open_model(lone), open_model(bundle)
    assert model.preprocess == in_bundle.preprocess
    assert (model.name, model.version) == (in_bundle.name, in_bundle.version)
    assert model.sha256 == in_bundle.sha256
    with pytest.raises(ModelError, match="is fp32, not int8"):
        open_model(lone, precision="int8")


@pytest.mark.parametrize("place", [0, 1000, -1])
def test_one_changed_byte_is_refused(bundle: Path, place: int) -> None:
    file = bundle / "fp32.onnx"
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    with pytest.raises(ModelError, match=r"\(sha256 \w{12}…, manifest says \w{12}…\)"):
        open_model(bundle)


def test_a_missing_artefact_or_precision_is_named(bundle: Path) -> None:
    with pytest.raises(ModelError, match="holds no int8 model, only fp32"):
        open_model(bundle, precision="int8")
    (bundle / "fp32.onnx").unlink()
    with pytest.raises(ModelError, match=r"lacks fp32\.onnx"):
        open_model(bundle)


def test_an_unknown_schema_names_both_sides(bundle: Path) -> None:
    edit(bundle, schema_version=99)
    with pytest.raises(ModelError, match="version 99, this edgeecho reads 1"):
        open_model(bundle)


def test_any_changed_number_of_the_manifest_is_refused(bundle: Path) -> None:
    file = bundle / "manifest.json"
    text = file.read_text()
    places = [match.start() for match in re.finditer(r"\d", text)]
    for place in places[:: len(places) // 40]:
        digit = "7" if text[place] != "7" else "3"
        changed = text[:place] + digit + text[place + 1 :]
        if json.loads(changed) == json.loads(text):
            continue  # the 17th digit of a number may change nothing
        file.write_text(changed)
        with pytest.raises(ModelError, match=r"changed after export|schema version"):
            open_model(bundle)
    file.write_text(text)
    open_model(bundle)


@pytest.mark.parametrize(
    "changes",
    [
        {"artefacts": None},
        {"artefacts": {"fp32": {}}},
        {"preprocess": {}},
        {"surprise": 1},
        {"limits": None},
    ],
)
def test_a_malformed_manifest_is_one_line(bundle: Path, changes: dict[str, Any]) -> None:
    edit(bundle, **changes)
    with pytest.raises(ModelError) as caught:
        open_model(bundle)
    assert "\n" not in str(caught.value)


_FP32 = ("artefacts", "fp32")


@pytest.mark.parametrize(
    "at", [(), _FP32, (*_FP32, "verification", 0), (*_FP32, "shared"), (*_FP32, "shared", "cost")]
)
def test_every_field_that_export_writes_must_be_there(at: tuple[Any, ...], tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(NARROW, tmp_path / "bundle"))
    text = (bundle / "manifest.json").read_text()
    for name in reduce(getitem, at, json.loads(text)):
        value = json.loads(text)
        del reduce(getitem, at, value)[name]
        (bundle / "manifest.json").write_text(
            json.dumps(value if name == "seal" else sealed(value))
        )
        with pytest.raises(ModelError) as caught:
            open_model(bundle)
        assert name.replace("_", " ") in str(caught.value).replace("_", " "), name
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_manifest_that_is_no_json_object_is_refused(bundle: Path, content: bytes) -> None:
    (bundle / "manifest.json").write_bytes(content)
    with pytest.raises(ModelError):
        open_model(bundle)


def test_no_model_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model"):
        open_model(tmp_path / "none")
    with pytest.raises(ModelError, match="not a model bundle"):
        open_model(tmp_path)
    (tmp_path / "text.onnx").write_text("not a network")
    with pytest.raises(ModelError, match="not an ONNX model"):
        open_model(tmp_path / "text.onnx")


def test_an_onnx_file_without_our_metadata_is_refused(bundle: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(bundle / "fp32.onnx")
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    with pytest.raises(ModelError, match="says nothing of its preprocessing"):
        open_model(tmp_path / "bare.onnx")


def test_a_lone_file_is_opened_without_any_engine(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("openvino", "onnxruntime", "onnx"):
        monkeypatch.setitem(sys.modules, name, None)
    lone, of_bundle = open_model(bundle / "fp32.onnx"), open_model(bundle)
    assert (lone.sha256, lone.precision) == (of_bundle.sha256, "fp32")
    assert lone.preprocess == of_bundle.preprocess


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("other", "1", None),
        ("edgeecho.model", "{}", "contradict themselves"),
        ("edgeecho.model", None, None),
    ],
)
def test_metadata_that_say_two_things_of_the_model_are_refused(
    bundle: Path, tmp_path: Path, key: str, value: str | None, says: str | None
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(bundle / "fp32.onnx")
    said = {p.key: p.value for p in model.metadata_props}
    for text in (value or said.get(key, ""), "2" if key == "other" else value or said[key]):
        model.metadata_props.add(key=key, value=text)
    onnx.save(model, tmp_path / "twice.onnx")
    if says is None:
        assert open_model(tmp_path / "twice.onnx").precision == "fp32"
        return
    with pytest.raises(ModelError, match=says):
        open_model(tmp_path / "twice.onnx")


@pytest.mark.parametrize("name", [b"narrow \xff\xff", b"\\ud800 ab"])
def test_a_name_that_no_report_could_hold_is_refused(
    bundle: Path, tmp_path: Path, name: bytes
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(bundle / "fp32.onnx")
    (facts,) = (p for p in model.metadata_props if p.key == "edgeecho.model")
    value = json.loads(facts.value)
    facts.value = json.dumps({**value, "name": "X" * len(name)})
    content = model.SerializeToString()
    assert content.count(b"X" * len(name)) == 1
    (tmp_path / "name.onnx").write_bytes(content.replace(b"X" * len(name), name))
    with pytest.raises(ModelError, match="says nothing of its preprocessing"):
        open_model(tmp_path / "name.onnx")


def test_the_card_repeats_the_manifests_numbers(bundle: Path) -> None:
    manifest = read_manifest(bundle)
    card = (bundle / "model-card.md").read_text()
    assert "not for diagnosis" in card.splitlines()[2]
    assert manifest.trained_on in card
    for check in manifest.artefacts["fp32"].verification:
        assert f"{check.max_drift:.6f}" in card
    assert manifest.provenance["checkpoint_sha256"] in card
