"""A bundle with a segmentation: its card, and a copy for a device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from segmented_toy import CLIPS, change_manifest, segmented_toy

from edgeecho.bundle import RangeCheck, open_model, read_manifest, render_card
from edgeecho.common.files import sha256_file
from edgeecho.common.precisions import PRECISIONS


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return segmented_toy(tmp_path_factory.mktemp("segmented") / "bundle")


def test_the_card_says_what_finds_the_ventricle_and_how_far_it_drifts(whole: Path) -> None:
    card = (whole / "model-card.md").read_text()
    _, _, section = card.partition("## Segmentation")
    section, _, _ = section.partition("\n## ")
    assert "- brightness, 3 parameters\n" in section
    assert "- trained on: drawn ellipses\n" in section
    assert f"checkpoint sha256 {'1' * 64}" in section
    frames = 4 * CLIPS
    statistics = "0.99996 | 0.012 | 0.25"
    for precision in ("fp32", "int8"):
        limits = PRECISIONS[precision].masks
        allowed = f"dice {limits.dice:g}, area {limits.area:g}, worst_area {limits.worst_area:g}"
        row = f"| {precision} | openvino 1 | {frames} | 1, 16 | {statistics} | {allowed} |"
        assert row in section
    assert "`segmentation-references.npz` holds PyTorch's masks" in section


def test_without_a_segmentation_there_is_no_section(whole: Path) -> None:
    assert "egmentation" not in render_card(replace(read_manifest(whole), segmentation=None))


def test_training_range_and_calibration_are_told(whole: Path) -> None:
    manifest = read_manifest(whole)
    found = manifest.segmentation
    assert found is not None
    training = {"data": {"n_train": 300, "n_val": 40}}
    told = replace(
        found,
        provenance={**found.provenance, "training": training},
        calibration={
            "method": "entropy",
            "methods": [{"method": "entropy", "dice": 0.99, "area": 0.5, "worst_area": 1.25}],
        },
        artefacts={
            **found.artefacts,
            "fp32": replace(
                found.artefacts["fp32"], range=RangeCheck(7, 2, "some", "conv", 123.0, 16376.0)
            ),
        },
    )
    card = render_card(replace(manifest, segmentation=told))
    assert "- 300 training and 40 validation videos\n" in card
    assert "INT8 was calibrated by entropy" in card
    assert "entropy 0.99000 (areas 0.500, largest 1.25)." in card
    assert "the largest of 7 tensors in FP32 over 2 clips (some) is 123 (`conv`)" in card


def test_a_slim_copy_keeps_the_segmentation_of_its_precisions(
    edgeecho: Any, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "small"
    done = edgeecho("slim", whole, "--precision", "int8", "--out", out)
    assert done.returncode == 0, done.stderr
    assert {file.name for file in out.iterdir()} == {
        "int8.onnx", "segmentation.int8.onnx", "manifest.json", "model-card.md",
    }  # fmt: skip
    found = open_model(out)
    assert found.segmentation is not None
    assert found.segmentation.path == out / "segmentation.int8.onnx"
    assert found.segmentation.sha256 == sha256_file(whole / "segmentation.int8.onnx")
    kept = read_manifest(out).segmentation
    assert kept is not None
    assert kept.references == {"frames": 4 * CLIPS}
    done = edgeecho("verify", out)
    assert done.returncode == 4
    assert "--data" in done.stderr


def test_a_damaged_segmentation_is_not_copied(edgeecho: Any, tmp_path: Path) -> None:
    bundle = segmented_toy(tmp_path / "bundle")
    (bundle / "segmentation.int8.onnx").write_bytes(b"half a model")
    done = edgeecho("slim", bundle, "--precision", "int8", "--out", tmp_path / "small")
    assert done.returncode == 4
    assert "segmentation.int8.onnx was changed after export" in done.stderr
    assert not (tmp_path / "small").exists()
    assert edgeecho("slim", bundle, "--precision", "fp32", "--out", tmp_path / "f").returncode == 0


def test_a_manifest_that_does_not_fit_is_refused_in_one_line(
    edgeecho: Any, whole: Path, tmp_path: Path
) -> None:
    import shutil

    bundle = Path(shutil.copytree(whole, tmp_path / "bundle"))
    found = read_manifest(bundle).segmentation
    assert found is not None
    less = replace(found, artefacts={"fp32": found.artefacts["fp32"]})
    change_manifest(bundle, segmentation=less)
    done = edgeecho("inspect", bundle)
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)
    assert "the segmentation in fp32: export the bundle again" in done.stderr
