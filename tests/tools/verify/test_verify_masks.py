"""`edgeecho verify` of a bundle with a segmentation."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from segmented_toy import CLIPS, change_manifest, replace_masks, segmented_toy, write_masks

from edgeecho.bundle import read_manifest
from edgeecho.common.precisions import PRECISIONS
from edgeecho.engines import OURS, registry

DATA = Path(__file__).parents[3] / "examples" / "phantoms"
FRAMES = 4 * CLIPS


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return segmented_toy(tmp_path_factory.mktemp("segmented") / "bundle")


@pytest.fixture
def bundle(whole: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(whole, tmp_path / "bundle"))


def test_every_precision_on_every_engine_is_a_row_with_its_limits(
    edgeecho: Any, whole: Path, tmp_path: Path
) -> None:
    done = edgeecho("verify", whole, "--json", "--out", tmp_path / "sent.json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["passed"] is True
    rows = {(r["precision"], r["engine"]["name"]): r for r in report["masks"]}
    assert {r["precision"] for r in report["masks"]} == {"fp32", "int8"}
    assert rows.keys() == {(r["precision"], r["engine"]["name"]) for r in report["results"]}
    for (precision, _), row in rows.items():
        assert row["file"] == f"segmentation.{precision}.onnx"
        assert row["frames"] == FRAMES
        assert row["drift"] == {"dice": 1.0, "area": 0.0, "worst_area": 0.0}
        assert row["limits"] == PRECISIONS[precision].masks.to_dict()
        assert row["missed"] is None
        found = read_manifest(whole).segmentation
        assert found is not None
        assert row["sha256"] == found.artefacts[precision].sha256


def test_the_text_has_a_table_of_masks(edgeecho: Any, whole: Path) -> None:
    shown = edgeecho("verify", whole, "--engine", "openvino", "--precision", "fp32").stdout
    assert f"Masks against PyTorch in FP32, {FRAMES} frames at batch 1, 16" in shown
    (line,) = (s for s in shown.splitlines() if "segmentation.fp32.onnx on openvino" in s)
    assert line.split()[-4:] == ["1.00000", "0.000", "0.00", "ok"]


def test_a_bundle_without_a_segmentation_has_no_masks(edgeecho: Any, bundle: Path) -> None:
    change_manifest(bundle, segmentation=None)
    words = ("verify", bundle, "--engine", "openvino", "--precision", "fp32")
    found = json.loads(edgeecho(*words, "--json").stdout)
    assert (found["masks"], found["masks_reference"]) == ([], None)
    assert "asks" not in edgeecho(*words).stdout


def test_other_weights_fail_with_6(edgeecho: Any, bundle: Path, tmp_path: Path) -> None:
    other = write_masks(tmp_path / "other.onnx", threshold=1.5)
    shutil.copyfile(other, bundle / "segmentation.int8.onnx")
    refused = edgeecho("verify", bundle, "--precision", "int8")
    assert refused.returncode == 4, "a changed file is not run at all"
    assert "segmentation.int8.onnx was changed after export" in refused.stderr
    replace_masks(bundle, "int8", other)
    done = edgeecho("verify", bundle, "--out", tmp_path / "sent.json")
    assert (done.returncode, len(done.stderr.splitlines())) == (6, 1)
    assert "segmentation.int8.onnx on " in done.stderr
    assert "gives masks with a Dice coefficient of 0." in done.stderr
    assert "FAIL" in done.stdout
    report = json.loads((tmp_path / "sent.json").read_text())
    assert report["passed"] is False
    assert {r["precision"] for r in report["masks"] if r["missed"]} == {"int8"}
    assert not any(r["missed"] for r in report["results"]), "the EF is as it was"


class _Wrapped:
    """An engine whose logits are changed."""

    def __init__(self, real: Any, change: Any) -> None:
        self.real, self.change, self.facts = real, change, replace(real.facts, name="beads")

    def run(self, clips: np.ndarray) -> Any:
        return self.real.run(clips)

    def infer(self, inputs: Any) -> dict[str, np.ndarray]:
        return {"logits": self.change(self.real.infer(inputs)["logits"])}


def _not_a_number(logits: np.ndarray) -> np.ndarray:
    logits[-1, 0, 0] = np.nan
    return logits


def _last_of_a_batch_is_empty(logits: np.ndarray) -> np.ndarray:
    if len(logits) > 1:
        logits[:2] = -1
    return logits


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda logits: np.roll(logits, 1, axis=1), "a Dice coefficient of 0.9"),
        (_last_of_a_batch_is_empty, "a Dice coefficient of 0."),
        (_not_a_number, "gives masks that are not numbers"),
    ],
)
def test_one_engine_that_gives_other_masks_is_named(
    edgeecho: Any, whole: Path, change: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_changed(*arguments: Any) -> Any:
        return _Wrapped(OURS[0].open(*arguments), change)

    beads = replace(OURS[0], name="beads", open=open_changed, auto=None)
    monkeypatch.setattr(registry, "OURS", (*OURS[:1], beads))
    done = edgeecho("verify", whole, "--precision", "fp32", "--json")
    assert (done.returncode, len(done.stderr.splitlines())) == (6, 1)
    assert "segmentation.fp32.onnx on beads " in done.stderr
    assert says in done.stderr
    rows = {r["engine"]["name"]: r["missed"] for r in json.loads(done.stdout)["masks"]}
    assert rows["openvino"] is None
    assert says in rows["beads"]


def test_an_engine_that_runs_no_segmentations_is_no_failure(
    edgeecho: Any, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Plain:
        def __init__(self, real: Any) -> None:
            self.run, self.facts = real.run, real.facts

    def open_plain(*arguments: Any) -> Any:
        return Plain(OURS[0].open(*arguments))

    beads = replace(OURS[0], name="beads", open=open_plain, auto=None)
    monkeypatch.setattr(registry, "OURS", (*OURS[:1], beads))
    done = edgeecho("verify", whole, "--precision", "fp32")
    assert done.returncode == 0, done.stderr
    said = "not run: segmentation.fp32.onnx on beads: engine beads runs no segmentations"
    assert said in " ".join(done.stdout.split())


def test_mask_references_must_be_there_and_whole(edgeecho: Any, bundle: Path) -> None:
    file = bundle / "segmentation-references.npz"
    file.write_bytes(file.read_bytes() + b"\0")
    done = edgeecho("verify", bundle)
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)
    assert "segmentation-references.npz was changed after export" in done.stderr
    shutil.copyfile(bundle / "references.npz", file)
    assert edgeecho("verify", bundle).returncode == 4, "another file of the bundle"
    file.unlink()
    assert "lacks segmentation-references.npz" in edgeecho("verify", bundle).stderr


def test_masks_of_other_frames_are_no_references(edgeecho: Any, bundle: Path) -> None:
    from edgeecho.tools.verify import save_mask_references

    entry = save_mask_references(bundle, np.zeros((FRAMES - 1, 32, 32), bool))
    found = read_manifest(bundle).segmentation
    assert found is not None
    change_manifest(bundle, segmentation=replace(found, references={"frames": FRAMES, **entry}))
    done = edgeecho("verify", bundle)
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)
    assert "holds no references" in done.stderr


def test_without_references_it_says_what_to_do(edgeecho: Any, bundle: Path) -> None:
    found = read_manifest(bundle).segmentation
    assert found is not None
    (bundle / "segmentation-references.npz").unlink()
    change_manifest(bundle, segmentation=replace(found, references={"frames": FRAMES}))
    done = edgeecho("verify", bundle)
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)
    assert "carries no reference masks (--no-references)" in done.stderr
    assert "--data" in done.stderr


def test_a_segmentation_that_states_no_limits_is_refused(edgeecho: Any, bundle: Path) -> None:
    found = read_manifest(bundle).segmentation
    assert found is not None
    bare = {p: replace(a, verification=()) for p, a in found.artefacts.items()}
    change_manifest(bundle, segmentation=replace(found, artefacts=bare))
    done = edgeecho("verify", bundle)
    assert done.returncode == 4
    assert "gives no limits for segmentation.fp32.onnx" in done.stderr


def test_on_data_the_masks_of_fp32_are_the_reference(
    edgeecho: Any, bundle: Path, tmp_path: Path
) -> None:
    words = ["verify", bundle, "--data", DATA, "--clips", 2, "--engine", "openvino", "--record"]
    done = edgeecho(*words)
    assert done.returncode == 0, done.stderr
    assert "Masks against segmentation.fp32.onnx on openvino" in " ".join(done.stdout.split())
    (entry,) = read_manifest(bundle).drift
    assert [(r["precision"], r["frames"], r["dice"]) for r in entry["masks"]] == [
        ("fp32", 8, 1.0),
        ("int8", 8, 1.0),
    ]
    card = (bundle / "model-card.md").read_text()
    assert "Masks against segmentation.fp32.onnx on openvino" in card
    assert "| int8 | openvino " in card
    replace_masks(bundle, "int8", write_masks(tmp_path / "other.onnx", threshold=1.0))
    assert edgeecho(*words).returncode == 6
    assert read_manifest(bundle).drift == (entry,), "a miss is not recorded"
