"""The gates: every engine on this machine against PyTorch, in EF points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edgeecho.bundle import Verification, open_model
from edgeecho.common.errors import VerificationError
from edgeecho.engines import Engine, engines, load_engine
from edgeecho.tools.verify import BATCHES, LIMITS, Drift, HeldOut, Limits, measure_drift, miss
from edgeecho_export.arithmetic import rounded_efs
from edgeecho_train.network import R2Plus1D18

EMBEDDING_TOLERANCE = 1e-4
"""Of a clip's embedding as a vector, in FP32. Measured: up to 4e-6 at widths 0.0625, 0.25 and 1,
on OpenVINO 2026.4 and ONNX Runtime 1.32; another tensor than the pooled features is off by 1."""


def ask_pytorch(
    network: R2Plus1D18,
    clips: NDArray[np.float32],
    labels: NDArray[np.float32] | None = None,
) -> HeldOut:
    """Held-out clips with PyTorch's answers, one at a time; without labels they stand for those."""
    with torch.inference_mode():
        features = torch.cat([network.features(torch.from_numpy(clip[None])) for clip in clips])
        expected = network.head(features).numpy()
    labels = expected if labels is None else labels
    return HeldOut(clips, expected, labels, features.numpy())


def verify(
    onnx_file: Path, held_out: HeldOut, limits: Limits, *, part: str = "engine"
) -> tuple[Verification, ...]:
    """Run the clips through every engine that can run here at batch 1, 2, 8.

    `VerificationError` where a statistic of the drift misses its limit on any of them, or where
    the embedding of an FP32 file is not PyTorch's. `part` names the part of the gate in the
    record, see `Verification`.
    """
    model = open_model(onnx_file)
    checks = []
    for entry in engines():
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
        if model.precision == "fp32":
            _require_embedding(what, engine, held_out, advice)
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


def _require_embedding(what: str, engine: Engine, held_out: HeldOut, advice: str) -> None:
    """Two clips are enough to tell another tensor, or another order of the rows."""
    if held_out.features is None:
        return
    expected = held_out.features[:2].astype(np.float64)
    found = engine.run(held_out.clips[:2]).embedding
    if found is None or found.shape != expected.shape:
        shape = None if found is None else found.shape
        raise VerificationError(
            f"{what} gives an embedding of the shape {shape}, not {expected.shape}: "
            f"no bundle was written; {advice}"
        )
    length = np.maximum(np.linalg.norm(expected, axis=1), np.finfo(np.float32).tiny)
    differ = np.linalg.norm(found - expected, axis=1) / length
    # Written so that NaN misses too.
    if not differ.max() <= EMBEDDING_TOLERANCE:
        raise VerificationError(
            f"{what} gives an embedding that differs from PyTorch's by {differ.max():.2g} of its "
            f"length, allowed are {EMBEDDING_TOLERANCE:g}: no bundle was written; {advice}"
        )


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
