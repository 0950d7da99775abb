"""A bundle with a segmentation: its files, their checks, and that it is complete or not there."""

from __future__ import annotations

from pathlib import Path

from edgeecho.bundle import open_model, read_manifest


def test_a_segmentation_is_in_the_bundle_in_every_precision(segmented_bundle: Path) -> None:
    manifest = read_manifest(segmented_bundle)
    found = manifest.segmentation
    assert found is not None
    assert found.artefacts.keys() == manifest.artefacts.keys()
    for precision, artefact in found.artefacts.items():
        assert artefact.file == f"segmentation.{precision}.onnx"
        assert (segmented_bundle / artefact.file).is_file()
        opened = open_model(segmented_bundle, precision=precision)
        assert opened.segmentation is not None
        assert opened.segmentation.path.name == artefact.file
    assert found.architecture["name"] == "lraspp_mobilenet_v3_large"
    assert found.architecture["width"] == 0.0625
