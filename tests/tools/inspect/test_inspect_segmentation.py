"""`edgeecho inspect` of a bundle with a segmentation, and of that file alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from segmented_toy import CLIPS, change_manifest, segmented_toy

from edgeecho.common.files import sha256_file

FRAMES = 4 * CLIPS
MACS = 3 * 32 * 32
"""Of the one convolution: three colours to grey."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return segmented_toy(tmp_path_factory.mktemp("segmented") / "bundle")


def test_the_page_of_a_bundle_tells_both_networks(edgeecho: Any, bundle: Path) -> None:
    done = edgeecho("inspect", bundle)
    assert (done.returncode, done.stderr) == (0, "")
    ef, _, text = done.stdout.partition("\nsegmentation ")
    assert "Dice" not in ef
    assert "brightness, segmentation" in text
    assert "one frame of 1x3x32x32" in text
    assert "segmentation.fp32.onnx" in text
    assert "trained on    drawn ellipses" in text
    assert "1" * 64 in text
    assert "openvino 1: Dice 0.99996, area 0.012, largest 0.25 on 8 frames at batch 1, 16" in (
        " ".join(text.split())
    )
    assert "torchvision's r2plus1d_18" not in text
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_json_has_the_same_facts(edgeecho: Any, bundle: Path) -> None:
    value = json.loads(edgeecho("inspect", bundle, "--json").stdout)
    found = value["segmentation"]
    assert (found["kind"], found["file"]) == ("segmentation", "segmentation.fp32.onnx")
    assert found["architecture"] == {
        **{"task": "segmentation", "name": "brightness", "width": 1.0, "parameters": 3}
    }
    assert found["network"]["clip_shape"] == [1, 3, 32, 32]
    assert [stage["output_shape"] for stage in found["network"]["stages"]] == [[1, 32, 32]]
    assert (found["network"]["parameters"], found["network"]["macs"]) == (3, MACS)
    assert found["trained_on"] == "drawn ellipses"
    assert [a["precision"] for a in found["artefacts"]] == ["fp32", "int8"]
    (check,) = found["artefacts"][0]["verification"]
    assert (check["dice"], check["area"], check["worst_area"]) == (0.99996, 0.0123, 0.25)
    assert check["frames"] == FRAMES


def test_without_a_segmentation_it_says_nothing_of_one(edgeecho: Any, tmp_path: Path) -> None:
    plain = segmented_toy(tmp_path / "bundle", ("fp32",))
    change_manifest(plain, segmentation=None)
    assert "egmentation" not in edgeecho("inspect", plain).stdout
    assert json.loads(edgeecho("inspect", plain, "--json").stdout)["segmentation"] is None


def test_a_damaged_segmentation_is_refused(edgeecho: Any, tmp_path: Path) -> None:
    broken = segmented_toy(tmp_path / "bundle", ("fp32",))
    with (broken / "segmentation.fp32.onnx").open("ab") as stream:
        stream.write(b"\0")
    done = edgeecho("inspect", broken)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (4, "", 1)
    assert "segmentation.fp32.onnx was changed after export" in done.stderr


def test_a_lone_file_says_what_it_is_although_it_gives_no_ef(edgeecho: Any, bundle: Path) -> None:
    file = bundle / "segmentation.int8.onnx"
    done = edgeecho("inspect", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert "toy 1, int8, segmentation" in done.stdout
    assert "one frame of 1x3x32x32" in done.stdout
    assert "r2plus1d_18" not in done.stdout
    assert "drift of its masks: see the manifest.json" in done.stdout
    value = json.loads(edgeecho("inspect", file, "--json").stdout)
    assert value["architecture"] == {"task": "segmentation"}
    assert value["sha256"] == sha256_file(file)
    assert value["preprocess"]["size"] == 32
    assert value["segmentation"] is None
    refused = edgeecho("infer", "nothing.avi", "--model", file)
    assert refused.returncode == 4
    assert "is a segmentation, which gives masks and no EF" in refused.stderr
