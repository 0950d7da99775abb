"""A normalisation that was assumed: what manifest, model, card and a lone ONNX file say of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeecho.bundle import Manifest, open_model, read_manifest, render_card
from edgeecho.bundle.manifest import METADATA_KEY
from edgeecho.common.errors import ModelError
from edgeecho.common.seal import sealed

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"
WARNING = (
    "mean and std are a neighbour's, not measured on this checkpoint's training data: "
    "`edgeecho stats DATA` measures them, and a new import takes them as --mean and --std"
)


def assuming(manifest: Manifest, assumed: Any) -> Manifest:
    return replace(manifest, provenance={**manifest.provenance, "assumed": assumed})


def test_manifest_model_and_card_say_it_and_slim_keeps_it(edgeecho: Any, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(NARROW, tmp_path / "bundle"))
    manifest = assuming(read_manifest(bundle), {"mean and std": "a neighbour's"})
    (bundle / "manifest.json").write_text(json.dumps(manifest.to_dict()))
    assert edgeecho("slim", bundle, "--out", tmp_path / "slim", "--precision", "fp32").stderr == ""
    for folder in (bundle, tmp_path / "slim"):
        assert read_manifest(folder).warnings == (WARNING,)
        assert open_model(folder).warnings == (WARNING,)
    head, _, rest = (tmp_path / "slim" / "model-card.md").read_text().partition("\n## ")
    assert f"\n**Warning:** {WARNING}.\n" in head
    assert "\n- mean and std, which the checkpoint does not say: a neighbour's\n" in rest
    assert WARNING in " ".join(edgeecho("inspect", bundle, "--json").stdout.split())


def test_what_else_was_assumed_is_in_the_card_and_in_no_answer() -> None:
    manifest = assuming(read_manifest(NARROW), {"frame rate": "51/s"})
    assert manifest.warnings == ()
    card = render_card(manifest)
    assert "- frame rate, which the checkpoint does not say: 51/s\n" in card
    assert "**Warning:**" not in card


@pytest.mark.parametrize("assumed", [["a"], "a", None, {"mean and std": 3}, {"x": None}])
def test_another_form_is_one_line(assumed: Any, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(NARROW, tmp_path / "bundle"))
    value = json.loads((bundle / "manifest.json").read_text())
    value["provenance"]["assumed"] = assumed
    (bundle / "manifest.json").write_text(json.dumps(sealed(value)))
    with pytest.raises(ModelError, match="assumed cannot be anything but texts"):
        open_model(bundle)


def lone(folder: Path, **more: Any) -> Path:
    """`fp32.onnx` alone, with more facts in its metadata."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(NARROW / "fp32.onnx")
    (facts,) = (json.loads(p.value) for p in model.metadata_props if p.key == METADATA_KEY)
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps({**facts, **more})})
    onnx.save(model, folder / "lone.onnx")
    return folder / "lone.onnx"


def test_a_lone_file_warns_too(tmp_path: Path) -> None:
    plain, assumed = lone(tmp_path), open_model(lone(tmp_path, assumed="a neighbour's"))
    assert assumed.warnings[-1] == WARNING
    assert open_model(lone(plain.parent)).warnings == assumed.warnings[:-1]
    with pytest.raises(ModelError, match="says nothing of its preprocessing"):
        open_model(lone(tmp_path, assumed=3))
