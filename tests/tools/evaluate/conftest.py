from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edgeecho.bundle import read_manifest, write_manifest
from edgeecho.bundle.artefact import Artefact
from edgeecho.common.files import sha256_file


@pytest.fixture(scope="session")
def pair_bundle(narrow_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The narrow bundle, with an "fp16" model whose every EF is 2 points higher."""
    onnx = pytest.importorskip("onnx")
    bundle = Path(shutil.copytree(narrow_bundle, tmp_path_factory.mktemp("pair") / "bundle"))
    network = onnx.load(bundle / "fp32.onnx")
    (bias,) = [t for t in network.graph.initializer if list(t.dims) == [1] and t.data_type == 1]
    bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) + 2, bias.name))
    onnx.save(network, bundle / "fp16.onnx")
    manifest = read_manifest(bundle)
    other = Artefact("fp16.onnx", sha256_file(bundle / "fp16.onnx"), "fp16", 18, ())
    changed = replace(manifest, artefacts={**manifest.artefacts, "fp16": other})
    write_manifest(bundle, changed)
    return bundle
