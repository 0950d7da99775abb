"""The gates: every engine on this machine against PyTorch, in EF points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edgeecho.bundle import Verification, open_model
from edgeecho.engines import ENGINES, load_engine
from edgeecho.errors import VerificationError
from edgeecho.verify import BATCHES, LIMITS, Drift, HeldOut, Limits, measure_drift, miss
from edgeecho_export.arithmetic import rounded_efs
from edgeecho_train.network import R2Plus1D18


def ask_pytorch(
    network: R2Plus1D18,
    clips: NDArray[np.float32],
    labels: NDArray[np.float32] | None = None,
) -> HeldOut:
    """Held-out clips with PyTorch's answers, one at a time; without labels they stand for those."""
    with torch.inference_mode():
        answers = [network(torch.from_numpy(clip[None])) for clip in clips]
    expected = torch.cat(answers).numpy()
    return HeldOut(clips, expected, expected if labels is None else labels)


def verify(
    onnx_file: Path, held_out: HeldOut, limits: Limits, *, part: str = "engine"
) -> tuple[Verification, ...]:
    """Run the clips through every engine that can run here at batch 1, 2, 8.

    `VerificationError` where a statistic of the drift misses its limit on any of them. `part`
    names the part of the gate in the record, see `Verification`.
    """
    model = open_model(onnx_file)
    checks = []
    for entry in ENGINES:
        # A TensorRT engine is built of a bundle that is written: `edgeecho verify` runs it.
        if entry.obstacle(model):
            continue
        engine = load_engine(entry.name, model)
        drift = measure_drift(engine, held_out)
        advice = f"try other versions of torch, onnx and {entry.name}"
        if model.precision == "int8":
            advice = "return layers to float, see `edgeecho calibrate sensitivity --help`"
        what = entry.name if part == "engine" else f"{onnx_file.name} ({part}) on {entry.name}"
        _require(what, drift, limits, advice)
        facts = engine.facts
        checks.append(
            _record(
                facts.name,
                facts.version,
                BATCHES,
                held_out,
                drift,
                limits,
                precision=model.precision,
                part=part,
            )
        )
    return tuple(checks)


def verify_arithmetic(fp16_file: Path, held_out: HeldOut, limits: Limits) -> Verification:
    """The same for PyTorch with every FP16 tensor of the file rounded; see `rounded_efs`."""
    found = rounded_efs(fp16_file, held_out.clips)
    drift = Drift.of(found, held_out.expected, held_out.labels)
    advice = "this network needs more than FP16 holds, leave --fp16 out"
    _require(f"{fp16_file.name} (arithmetic, every layer rounded)", drift, limits, advice)
    return _record(
        "pytorch",
        torch.__version__,
        (1,),
        held_out,
        drift,
        limits,
        precision="fp16",
        part="arithmetic",
    )


def _require(what: str, drift: Drift, limits: Limits, advice: str) -> None:
    if missed := miss(drift, limits):
        raise VerificationError(f"{what} {missed}: no bundle was written; {advice}")


def _record(
    engine: str,
    version: str,
    batches: tuple[int, ...],
    held_out: HeldOut,
    drift: Drift,
    limits: Limits,
    *,
    precision: str,
    part: str,
) -> Verification:
    return Verification(
        engine=engine,
        version=version.partition("+")[0],
        batches=batches,
        clips=len(held_out.clips),
        mean_drift=drift.mean,
        p95_drift=drift.p95,
        max_drift=drift.max,
        # Without a limit on the largest drift, the loosest of those there are.
        tolerance=limits.max if limits.max is not None else max(limits.to_dict().values()),
        part=part,
        allowed=limits.to_dict(),
        loosened=limits.wider_than(LIMITS[precision]),
        mae_change=drift.mae,
    )
