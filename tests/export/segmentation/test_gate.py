"""The checks of masks: what passes, what does not, and what is said then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from segmented import EF, MASKS, workspace

from edgeecho.common.errors import EngineError, VerificationError
from edgeecho.common.precisions import PRECISIONS, MaskLimits
from edgeecho.tools.verify.masks import MaskReferences, frames_of
from edgeecho_export.checkpoint import CheckpointOptions, read_checkpoint
from edgeecho_export.segmentation import parity
from edgeecho_export.segmentation.checkpoint import LoadedSegmentation, read_segmentation
from edgeecho_export.segmentation.parity import MaskGate, masks_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def source() -> LoadedSegmentation:
    return read_segmentation(MASKS, read_checkpoint(EF, CheckpointOptions()).preprocess)


@pytest.fixture(scope="module")
def gate(source: LoadedSegmentation, tmp_path_factory: pytest.TempPathFactory) -> MaskGate:
    frames = frames_of(workspace(tmp_path_factory.mktemp("gate")).clips)
    return MaskGate("fp32", MaskReferences(frames, masks_of(source.network, frames)))


def moved(bundle: Path, out: Path, points: float) -> Path:
    """The FP32 file with `points` added to every logit."""
    model = onnx.load(bundle / "segmentation.fp32.onnx")
    (bias,) = (i for i in model.graph.initializer if i.name.endswith("high_classifier.bias"))
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + points, bias.name))
    onnx.save(model, out)
    return out


def test_pytorchs_own_masks_pass_on_every_engine(in_every_precision: Path, gate: MaskGate) -> None:
    checks = gate.verify(in_every_precision / "segmentation.fp32.onnx")
    assert sorted(check.engine for check in checks) == ["onnxruntime", "openvino"]
    assert all((check.frames, check.batches) == (8, (1, 16)) for check in checks)
    assert 0.03 < gate.references.expected.mean() < 0.3, "the network finds no ventricle"


@pytest.mark.parametrize(
    ("points", "says"),
    [(0.1, "Dice coefficient of 0.9"), (-0.1, "Dice coefficient of 0.9"), (np.nan, "not a number")],
)
def test_other_masks_do_not_pass(
    points: float, says: str, in_every_precision: Path, gate: MaskGate, tmp_path: Path
) -> None:
    wrong = moved(in_every_precision, tmp_path / "segmentation.fp32.onnx", np.float32(points))
    with pytest.raises(VerificationError, match=says) as caught:
        gate.verify(wrong)
    assert "leave --segmentation out" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(VerificationError, match="leave --fp16 or --segmentation out"):
        replace(gate, precision="fp16").verify(wrong)


@pytest.mark.parametrize("statistic", ["area", "worst_area"])
def test_each_limit_is_held(
    statistic: str,
    in_every_precision: Path,
    gate: MaskGate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = moved(in_every_precision, tmp_path / "segmentation.fp32.onnx", np.float32(0.1))
    wide = MaskLimits(dice=0.0, area=100, worst_area=100)
    row = replace(PRECISIONS["fp32"], masks=replace(wide, **{statistic: 0.01}))
    monkeypatch.setattr(parity, "PRECISIONS", {"fp32": row})
    with pytest.raises(VerificationError, match="differ"):
        gate.verify(wrong)


def test_arithmetic_that_overflows_does_not_pass(
    in_every_precision: Path, gate: MaskGate, tmp_path: Path
) -> None:
    model = onnx.load(in_every_precision / "segmentation.fp16.onnx")
    names = [i.name for i in model.graph.initializer]
    place = next(i for i, name in enumerate(names) if name.endswith("cbr.0.weight"))
    tensor = model.graph.initializer[place]
    wide = numpy_helper.to_array(tensor) * np.float16(1e4)
    tensor.CopyFrom(numpy_helper.from_array(wide.astype(np.float16), tensor.name))
    onnx.save(model, tmp_path / "segmentation.fp16.onnx")
    fp16 = replace(gate, precision="fp16")
    with pytest.raises(VerificationError, match="every layer rounded") as caught:
        fp16.verify_arithmetic(tmp_path / "segmentation.fp16.onnx")
    assert "leave --fp16 or --segmentation out" in str(caught.value)
    honest = fp16.verify_arithmetic(in_every_precision / "segmentation.fp16.onnx")
    assert (honest.part, honest.engine) == ("arithmetic", "pytorch")


def test_a_network_that_gives_no_numbers_is_to_blame_itself(source: LoadedSegmentation) -> None:
    broken = torch.nn.Module()
    broken.forward = lambda x: {"out": torch.full((len(x), 1, 8, 8), torch.nan)}  # type: ignore[method-assign]
    with pytest.raises(VerificationError, match="training that diverged: take another checkpoint"):
        masks_of(broken, np.zeros((2, 3, 8, 8), np.float32))


def test_the_engine_that_must_check_is_asked(in_every_precision: Path, gate: MaskGate) -> None:
    required = replace(gate, engine="tensorrt")
    with pytest.raises(EngineError):
        required.verify(in_every_precision / "segmentation.fp32.onnx")
