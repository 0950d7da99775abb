"""A bundle whose segmentation takes what is bright for the left ventricle, and a video of such."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from media import write_video
from onnx import TensorProto, helper, numpy_helper
from ventricle import beating

from edgeecho.bundle import MaskArtefact, Segmentation, read_manifest, write_manifest
from edgeecho.common.files import sha256_file
from edgeecho.preprocess import PreprocessSpec

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"
_GREY = 128.0


def bright_bundle(folder: Path) -> Path:
    """The narrow bundle with a segmentation in `folder`, which must not exist."""
    shutil.copytree(NARROW, folder)
    manifest = read_manifest(folder)
    file = _write_graph(folder / "segmentation.fp32.onnx", manifest.preprocess)
    artefact = MaskArtefact(file.name, sha256_file(file), "fp32", 18, ())
    segmentation = Segmentation(
        architecture={"name": "brightness", "width": 1, "parameters": 4},
        provenance={"checkpoint_sha256": "0" * 64},
        trained_on="nothing",
        artefacts={"fp32": artefact},
        references={"frames": 0},
    )
    write_manifest(folder, replace(manifest, segmentation=segmentation))
    return folder


def bright_video(path: Path, frames: int = 150, *, depth: float = 8.0) -> Path:
    """A bright ventricle at 50 frames/s and 75 beats/min on noise that is dark."""
    noise = np.random.default_rng(3).integers(5, 70, (frames, 112, 112), dtype=np.uint8)
    grey = np.where(beating(frames, depth=depth), 220, noise).astype(np.uint8)
    return write_video(path, frames=np.repeat(grey[..., None], 3, axis=-1))


def _write_graph(path: Path, spec: PreprocessSpec) -> Path:
    """Frames `(n, 3, S, S)`, normalised -> `logits (n, S, S)`: grey levels above `_GREY`."""
    std, size = np.array(spec.std, np.float32), spec.size
    constants = {
        "weight": (std / 3).reshape(1, 3, 1, 1),
        "bias": np.array([np.mean(spec.mean) - _GREY], np.float32),
        "axes": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["frame", "weight", "bias"], ["a"]),
        helper.make_node("Squeeze", ["a", "axes"], ["logits"]),
    ]
    frame, logits = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (
            ("frame", ["batch", 3, size, size]),
            ("logits", ["batch", size, size]),
        )
    )
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "bright", [frame], [logits], weights)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path
    )
    return path
