"""A bundle with a segmentation beside the EF network, for the tests of all that shows masks."""

from __future__ import annotations

from pathlib import Path

from edgeecho.common.precisions import DriftLimits
from edgeecho_calibration.select import select
from edgeecho_export.checkpoint import CheckpointOptions, read_checkpoint
from edgeecho_export.pipeline import export
from edgeecho_export.recipes.base import Calibration, ExportOptions, ModelLabel

MODELS = Path(__file__).parents[2] / "models" / "narrow"
EF, MASKS = MODELS / "best.pt", MODELS / "segmentation.safetensors"
_LOOSE = DriftLimits(mean=5, p95=10, max=20, mae=5)


def export_segmented(phantoms: Path, out: Path) -> None:
    """Both networks in FP32, FP16 and INT8, calibrated on two clips of `phantoms`.

    The EF network in INT8 is judged on three clips, so its limits are wide; those of masks are not.
    """
    given = CheckpointOptions()
    chosen = select(phantoms, read_checkpoint(EF, given).preprocess, n=2, seed=0)
    options = ExportOptions(
        precisions=("fp16", "int8"),
        methods=("minmax",),
        calibration=Calibration(chosen, "0" * 64, phantoms),
        limits={"fp32": DriftLimits(max=0.01), "fp16": _LOOSE, "int8": _LOOSE},
        shared=False,
    )
    export(
        EF,
        out,
        ModelLabel("segmented", "1"),
        given=given,
        clips=None,
        overwrite=False,
        options=options,
        segmentation=MASKS,
    )
