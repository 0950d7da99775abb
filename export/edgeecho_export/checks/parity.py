"""The drift checks: every engine on this machine against PyTorch, in EF points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile, Verification, open_model
from edgeecho.common.console import words
from edgeecho.common.errors import EngineError, VerificationError
from edgeecho.common.precisions import PRECISIONS, DriftLimits
from edgeecho.common.text import reason
from edgeecho.engines import Engine, EngineDescriptor, engines, load_engine
from edgeecho.tools.verify import BATCHES, Drift, ReferenceInputs, measure_drift, miss
from edgeecho_train.network import R2Plus1D18

T = TypeVar("T")
BROKEN = (
    "no bundle was written; the checkpoint's weights are broken, as of a training that diverged: "
    "take another checkpoint"
)
"""Advice where no engine is to blame."""


def ask_pytorch(
    network: R2Plus1D18,
    clips: NDArray[np.float32],
    labels: NDArray[np.float32] | None = None,
) -> ReferenceInputs:
    """Held-out clips with PyTorch's EFs, run one at a time; these replace missing labels.

    `VerificationError` if an EF is no number: no engine could be held to it.
    """
    with torch.inference_mode():
        features = torch.cat([network.features(torch.from_numpy(clip[None])) for clip in clips])
        expected = network.head(features).numpy()
    if not np.isfinite(expected).all():
        raise VerificationError(f"PyTorch itself gives nan EF points: {BROKEN}")
    labels = expected if labels is None else labels
    return ReferenceInputs(clips, expected, labels, features.numpy())


@dataclass(frozen=True)
class DriftCheck:
    """The limits and clips by which files of one precision are checked."""

    precision: str
    reference_inputs: ReferenceInputs
    limits: DriftLimits
    engine: str | None = None
    """An engine that must check; the others that are installed check if they can be opened."""

    def admit(self, what: str, drift: Drift, advice: str) -> None:
        """`VerificationError` if a statistic of `what` exceeds its limit."""
        if missed := miss(drift, self.limits):
            raise VerificationError(f"{what} {missed}: no bundle was written; {advice}")

    def record(
        self, drift: Drift, engine: str, version: str, batches: tuple[int, ...], part: str
    ) -> Verification:
        """The manifest's entry for a drift that passed; for `part` see `Verification`."""
        limits = self.limits
        return Verification(
            engine=engine,
            version=version.partition("+")[0],
            batches=batches,
            clips=len(self.reference_inputs.clips),
            mean_drift=drift.mean,
            p95_drift=drift.p95,
            max_drift=drift.max,
            # If the largest drift has no limit, take the loosest of the others.
            tolerance=limits.max if limits.max is not None else max(limits.to_dict().values()),
            part=part,
            allowed=limits.to_dict(),
            loosened=limits.wider_than(PRECISIONS[self.precision].limits),
            mae_change=drift.mae,
        )


def verify(
    file: Path,
    drift_check: DriftCheck,
    *,
    part: str = "engine",
    advice: str = "try other versions of {}",
) -> tuple[Verification, ...]:
    """Run the clips through every engine that opens `file` here, at batch 1, 2 and 8.

    An engine that is installed and cannot be opened is named and checks nothing. `EngineError` if
    it is the one that must check, or if none is left. `VerificationError` if on any engine the
    drift misses a limit, or the embedding does in a precision with a limit for it; its message
    gives `advice`.
    """
    model, reference_inputs = open_model(file), drift_check.reference_inputs
    allowed = PRECISIONS[drift_check.precision].embedding
    checks = []
    for entry in engines():
        if not entry.available:
            continue
        load = partial(_load, entry, model)
        if (engine := open_or_say(file, entry.name, load, drift_check.engine)) is None:
            continue
        what = entry.name if part == "engine" else f"{file.name} ({part}) on {entry.name}"
        mend = advice.format(f"torch, onnx and {entry.name}")
        drift = measure_drift(engine, reference_inputs)
        drift_check.admit(what, drift, mend)
        if allowed is not None and reference_inputs.features is not None:
            missed = _miss_of_embedding(
                engine, reference_inputs.clips, reference_inputs.features, allowed
            )
            if missed:
                raise VerificationError(
                    f"{what} gives an embedding {missed}: no bundle was written; {mend}"
                )
        checks.append(
            drift_check.record(drift, engine.facts.name, engine.facts.version, BATCHES, part)
        )
    if not checks:
        raise EngineError(f"no engine here can check {file.name}: see `edgeecho doctor`")
    return tuple(checks)


def open_or_say(file: Path, name: str, load: Callable[[], T], required: str | None) -> T | None:
    """What `load` makes of `file` on the engine `name`.

    None, and a line that says why, if it cannot be opened there: `EngineError` if that engine is
    the `required` one.
    """
    try:
        return load()
    except EngineError as error:
        if name == required:
            raise
        words.print(f"{file.name} is not checked on {name}: {reason(error)}")
        return None


def _load(engine: EngineDescriptor, model: ModelFile) -> Engine:
    # TensorRT plans are built later, from a finished bundle: `edgeecho verify` checks them.
    if why := engine.obstacle(model):
        raise EngineError(why)
    return load_engine(engine.name, model)


def _miss_of_embedding(
    engine: Engine, clips: NDArray[np.float32], features: NDArray[np.float32], allowed: float
) -> str | None:
    """Compare two clips, enough to detect a wrong tensor or a wrong order of rows."""
    expected = features[:2].astype(np.float64)
    found = engine.run(clips[:2]).embedding
    if found.shape != expected.shape:
        return f"of the shape {found.shape}, not {expected.shape}"
    length = np.maximum(np.linalg.norm(expected, axis=1), np.finfo(np.float32).tiny)
    differ = (np.linalg.norm(found - expected, axis=1) / length).max()
    # Written so that NaN fails too.
    if not differ <= allowed:
        return f"that differs from PyTorch's by {differ:.2g} of its length, allowed are {allowed:g}"
    return None
