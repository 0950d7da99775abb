"""The mask checks: every engine on this machine against PyTorch, by Dice and by area."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgeecho.bundle import MaskCheck, MaskFile, ModelFile
from edgeecho.common.errors import EngineError, ModelError, VerificationError
from edgeecho.common.files import sha256_file
from edgeecho.common.precisions import PRECISIONS
from edgeecho.engines import (
    EngineDescriptor,
    GraphEngine,
    engines,
    load_on_cpu,
    load_segmentation,
    segmentation_file,
)
from edgeecho.preprocess import PreprocessSpec
from edgeecho.tools.verify import MaskReferences, measure_masks, miss_masks
from edgeecho.tools.verify.masks import BATCHES, MaskDrift
from edgeecho_export.checks.parity import BROKEN, open_or_say
from edgeecho_export.checks.rounded import run_rounded

_AT_ONCE = 16


def masks_of(network: nn.Module, frames: NDArray[np.float32]) -> NDArray[np.bool_]:
    """PyTorch's masks `(n, S, S)` of frames `(n, 3, S, S)`; `VerificationError` without numbers."""
    parts = []
    with torch.inference_mode():
        for first in range(0, len(frames), _AT_ONCE):
            batch = torch.from_numpy(frames[first : first + _AT_ONCE])
            parts.append(network(batch)["out"][:, 0].numpy())
    logits = np.concatenate(parts)
    if not np.isfinite(logits).all():
        raise VerificationError(f"PyTorch itself gives masks that are not numbers: {BROKEN}")
    found: NDArray[np.bool_] = logits > 0
    return found


@dataclass(frozen=True)
class MaskGate:
    """The limits and frames by which a segmentation's files of one precision are checked."""

    precision: str
    references: MaskReferences
    engine: str | None = None
    """As of `DriftCheck`."""

    def verify(self, path: Path, part: str = "engine") -> tuple[MaskCheck, ...]:
        """Run the frames through every engine that opens `path` here; for `part`: `MaskCheck`.

        `VerificationError` if masks are further from PyTorch's than the table of precisions
        allows, `EngineError` if no engine can check, or the one that must.
        """
        model, checks = _as_model(path, self.precision, len(self.references.frames[0, 0])), []
        for entry in engines():
            if not entry.available:
                continue
            load = partial(_load, entry, model)
            if (engine := open_or_say(path, entry.name, load, self.engine)) is None:
                continue
            try:
                drift = measure_masks(engine, self.references)
            except ModelError as error:
                raise VerificationError(f"{path.name}: {error}: {_mend(self.precision)}") from error
            self._admit(f"{path.name} on {entry.name}", drift)
            facts = engine.facts
            checks.append(self._record(drift, facts.name, facts.version, BATCHES, part))
        if not checks:
            raise EngineError(f"no engine here can check {path.name}: see `edgeecho doctor`")
        return tuple(checks)

    def measure(self, path: Path) -> MaskDrift:
        """How far the masks of `path` are from PyTorch's on one CPU engine."""
        size = len(self.references.frames[0, 0])
        network = segmentation_file(_as_model(path, self.precision, size))
        engine: Any = load_on_cpu(network)
        return measure_masks(engine, self.references, batches=BATCHES[-1:])

    def verify_arithmetic(self, fp16: Path) -> MaskCheck:
        """Check masks when every layer is rounded to FP16; `VerificationError` as in `verify`."""
        logits = run_rounded(fp16, self.references.frames, at_once=_AT_ONCE)
        what = f"{fp16.name} (arithmetic, every layer rounded)"
        if not np.isfinite(logits).all():
            raise VerificationError(
                f"{what} gives masks that are not numbers: {_mend(self.precision)}"
            )
        drift = MaskDrift.of(logits > 0, self.references.expected)
        self._admit(what, drift)
        return self._record(drift, "pytorch", torch.__version__, (_AT_ONCE,), "arithmetic")

    def _admit(self, what: str, drift: MaskDrift) -> None:
        if missed := miss_masks(drift, PRECISIONS[self.precision].masks):
            raise VerificationError(f"{what} {missed}: {_mend(self.precision)}")

    def _record(
        self, drift: MaskDrift, engine: str, version: str, batches: tuple[int, ...], part: str
    ) -> MaskCheck:
        return MaskCheck(
            engine=engine,
            version=version.partition("+")[0],
            batches=batches,
            frames=len(self.references.frames),
            **asdict(drift),
            part=part,
            allowed=PRECISIONS[self.precision].masks.to_dict(),
        )


def _mend(precision: str) -> str:
    # Both networks of a bundle are in the same precisions.
    without = "--segmentation" if precision == "fp32" else f"--{precision} or --segmentation"
    return f"no bundle was written; leave {without} out"


def _as_model(path: Path, precision: str, size: int) -> ModelFile:
    """A file of a bundle in progress, as engines are given it."""
    spec = PreprocessSpec((0.0,) * 3, (1.0,) * 3, size=size)
    mask_file = MaskFile(path, sha256_file(path), path.stem, precision)
    return ModelFile(path, "", path.stem, "", precision, spec, "", segmentation=mask_file)


def _load(entry: EngineDescriptor, model: ModelFile) -> GraphEngine:
    # TensorRT plans are built later, from a finished bundle: `edgeecho verify` checks them.
    if why := entry.obstacle(segmentation_file(model)):
        raise EngineError(why)
    return load_segmentation(entry.name, model)
