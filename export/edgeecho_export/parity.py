"""The gate: every engine on this machine against PyTorch, in EF points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edgeecho.bundle import Verification, open_model
from edgeecho.engines import ENGINES, load_engine
from edgeecho.errors import VerificationError
from edgeecho_train.network import R2Plus1D18

BATCHES = (1, 2, 8)
FP32_TOLERANCE = 0.01
"""Largest difference in EF points that an FP32 artefact may show."""


def verify(
    onnx_file: Path,
    network: R2Plus1D18,
    clips: NDArray[np.float32],
    *,
    tolerance: float = FP32_TOLERANCE,
) -> tuple[Verification, ...]:
    """Run `clips (n, 3, T, S, S)` through PyTorch and every installed engine at batch 1, 2, 8.

    `VerificationError` where an engine is further than `tolerance` from PyTorch at any clip
    and batch size. Fewer clips than a batch are repeated to fill it.
    """
    model = open_model(onnx_file)
    batches = {size: _batches(clips, size) for size in BATCHES}
    reference = {size: [_pytorch(network, b) for b in batches[size]] for size in BATCHES}
    checks = []
    for entry in ENGINES:
        if not entry.available:
            continue
        engine = load_engine(entry.name, model)
        drift = np.concatenate(
            [
                np.abs(engine.run(batch) - expected)
                for size in BATCHES
                for batch, expected in zip(batches[size], reference[size], strict=True)
            ]
        ).astype(np.float64)
        check = Verification(
            engine=entry.name,
            version=engine.facts.version,
            batches=BATCHES,
            clips=len(clips),
            mean_drift=float(drift.mean()),
            p95_drift=float(np.quantile(drift, 0.95)),
            max_drift=float(drift.max()),
            tolerance=tolerance,
        )
        # Written so that NaN fails too.
        if not check.max_drift <= tolerance:
            raise VerificationError(
                f"{entry.name} differs from PyTorch by up to {check.max_drift:.4f} EF points, "
                f"allowed are {tolerance:g}: no bundle was written; "
                f"try other versions of torch, onnx and {entry.name}"
            )
        checks.append(check)
    return tuple(checks)


def _batches(clips: NDArray[np.float32], size: int) -> list[NDArray[np.float32]]:
    places = np.arange(-(-len(clips) // size) * size) % len(clips)
    return [clips[chunk] for chunk in places.reshape(-1, size)]


@torch.inference_mode()
def _pytorch(network: R2Plus1D18, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    ef: NDArray[np.float32] = network(torch.from_numpy(batch)).numpy()
    return ef
