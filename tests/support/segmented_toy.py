"""The toy with a segmentation that finds what is brighter than the mean, and references for both.

It stands where the numbers of the segmentation do not matter; a real one is `segmented_bundle`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from toy import write_toy

from edgeecho.bundle import (
    Artefact,
    Manifest,
    MaskArtefact,
    MaskCheck,
    Segmentation,
    read_manifest,
    write_manifest,
)
from edgeecho.bundle.artefact import Verification
from edgeecho.bundle.manifest import METADATA_KEY
from edgeecho.common.files import sha256_file
from edgeecho.common.precisions import PRECISIONS
from edgeecho.dataset.reference import ReferenceClips
from edgeecho.preprocess import PreprocessSpec
from edgeecho.tools.verify import save_mask_references, save_references
from edgeecho.tools.verify.masks import frames_of

CLIPS = 2
SPEC = PreprocessSpec((30, 30, 30), (50, 50, 50), frames=8, period=2, size=32)
SEGMENTATION = "brightness"


def write_masks(path: Path, *, threshold: float = 0.0, precision: str = "fp32") -> Path:
    """Frames -> logits: the mean of the three colours minus `threshold`."""
    tensors = {
        "frame": ["batch", 3, SPEC.size, SPEC.size],
        "logits": ["batch", SPEC.size, SPEC.size],
    }
    frame, logits = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in tensors.items()
    )
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["frame", "colours"], ["grey"], kernel_shape=[1, 1]),
            helper.make_node("Squeeze", ["grey", "channel"], ["flat"]),
            helper.make_node("Sub", ["flat", "threshold"], ["logits"]),
        ],
        SEGMENTATION,
        [frame],
        [logits],
        [
            helper.make_tensor("colours", TensorProto.FLOAT, [1, 3, 1, 1], [1 / 3] * 3),
            helper.make_tensor("channel", TensorProto.INT64, [1], [1]),
            helper.make_tensor("threshold", TensorProto.FLOAT, [], [threshold]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    facts = {
        **{"task": "segmentation", "name": "toy", "version": "1"},
        **{"precision": precision, "preprocess": SPEC.to_dict()},
    }
    helper.set_model_props(model, {METADATA_KEY: json.dumps(facts)})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def segmented_toy(folder: Path, precisions: tuple[str, ...] = ("fp32", "int8")) -> Path:
    """A bundle in `precisions`, whose files are all FP32."""
    folder.mkdir()
    clips = ReferenceClips(_pictures(), np.array([40, 60], np.float32))
    normalised = clips.normalised(SPEC)
    expected = (55 + 10 * normalised.mean(axis=(1, 2, 3, 4))).astype(np.float32)
    masks = frames_of(normalised).mean(axis=1) > 0
    for precision in precisions:
        write_toy(folder / f"{precision}.onnx", SPEC)
        write_masks(folder / f"segmentation.{precision}.onnx", precision=precision)
    manifest = Manifest(
        name="toy",
        version="1",
        architecture={"name": "means", "width": 1.0, "parameters": 0},
        preprocess=SPEC,
        provenance={"checkpoint_sha256": "0" * 64, "training": None},
        artefacts={p: _artefact(folder / f"{p}.onnx", p) for p in precisions},
        trained_on="nothing",
        intended_use="tests",
        limits=(),
        references={
            **{"source": "drawn clips", "clips": CLIPS, "ef_sd": 1.0},
            **save_references(folder, clips, expected),
        },
        segmentation=Segmentation(
            architecture={"name": SEGMENTATION, "width": 1.0, "parameters": 3},
            provenance={"checkpoint_sha256": "1" * 64, "training": None},
            trained_on="drawn ellipses",
            artefacts={p: _masks(folder / f"segmentation.{p}.onnx", p) for p in precisions},
            references={"frames": len(masks), **save_mask_references(folder, masks)},
        ),
    )
    write_manifest(folder, manifest)
    return folder


def _pictures() -> np.ndarray:
    """`(CLIPS, frames, S, S, 3)`: bright ellipses of several sizes on noise."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[: SPEC.size, : SPEC.size] - SPEC.size / 2
    clips = rng.integers(0, 12, (CLIPS, SPEC.frames, SPEC.size, SPEC.size, 3), dtype=np.uint8)
    for clip, width in zip(clips, (5, 7), strict=True):
        for number, frame in enumerate(clip):
            frame[(x / (width + number % 3)) ** 2 + (y / 12) ** 2 < 1] += 100
    return clips


def _artefact(path: Path, precision: str) -> Artefact:
    check = Verification(
        engine="openvino",
        version="1",
        batches=(1, 2, 8),
        clips=CLIPS,
        mean_drift=0.0,
        p95_drift=0.0,
        max_drift=0.0,
        tolerance=0.01,
        part="engine",
        allowed={"max": 0.01},
        loosened=(),
        mae_change=0.0,
    )
    return Artefact(path.name, sha256_file(path), precision, 18, (check,))


def _masks(path: Path, precision: str) -> MaskArtefact:
    check = MaskCheck(
        engine="openvino",
        version="1",
        batches=(1, 16),
        frames=4 * CLIPS,
        dice=0.99996,
        area=0.0123,
        worst_area=0.25,
        part="engine",
        allowed=PRECISIONS[precision].masks.to_dict(),
    )
    return MaskArtefact(path.name, sha256_file(path), precision, 18, (check,))


def change_manifest(bundle: Path, **changes: object) -> None:
    """As a careful forger would: with a new seal."""
    write_manifest(bundle, replace(read_manifest(bundle), **changes))  # type: ignore[arg-type]


def replace_masks(bundle: Path, precision: str, file: Path) -> None:
    """Another segmentation in place of a precision's, with its hash in the manifest."""
    found = read_manifest(bundle).segmentation
    assert found is not None
    old = found.artefacts[precision]
    (bundle / old.file).write_bytes(file.read_bytes())
    new = replace(old, sha256=sha256_file(file))
    changed = replace(found, artefacts={**found.artefacts, precision: new})
    change_manifest(bundle, segmentation=changed)
