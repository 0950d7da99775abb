"""Shared by tests of TensorRT-RTX; the package is an extra of 95 MB that may be missing."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import onnx
import pytest

from edgeecho.bundle import Artefact, Manifest
from edgeecho.bundle.manifest import MANIFEST_FILE
from edgeecho.common.files import sha256_file, write_json
from edgeecho.preprocess import PreprocessSpec

needs_rtx = pytest.mark.skipif(
    # Where CI says that everything must run, they run, and fail for want of it.
    find_spec("tensorrt_rtx") is None and os.environ.get("EDGEECHO_REQUIRE_SYSTEM_TOOLS") != "1",
    reason="needs TensorRT-RTX: pip install 'edgeecho[tensorrt-rtx]' (x86-64, 95 MB)",
)


def describe(folder: Path) -> Path:
    """Make a folder of `PRECISION.onnx` files a bundle: write its manifest."""
    files = sorted(folder.glob("*.onnx"))
    clip = onnx.load(files[0]).graph.input[0].type.tensor_type.shape.dim
    manifest = Manifest(
        name="random",
        version="1",
        architecture={"name": "r2plus1d_18", "width": 1.0, "parameters": 0},
        preprocess=PreprocessSpec(
            (30, 30, 30), (50, 50, 50), clip[2].dim_value, 2, clip[3].dim_value
        ),
        provenance={"checkpoint_sha256": "0" * 64},
        artefacts={f.stem: Artefact(f.name, sha256_file(f), f.stem, 18, ()) for f in files},
        trained_on="nothing",
        intended_use="tests",
        limits=(),
        references={},
    )
    write_json(folder / MANIFEST_FILE, manifest.to_dict())
    return folder
