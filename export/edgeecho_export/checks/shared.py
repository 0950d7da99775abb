"""Adding an artefact's shared graph, and checking its EFs against the plain graph's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import Artefact, ModelFile, SharedCost, SharedFile, SharedGraph, open_model
from edgeecho.common.console import words
from edgeecho.common.errors import EngineError, VerificationError
from edgeecho.common.files import sha256_file
from edgeecho.common.precisions import PRECISIONS, DriftLimits
from edgeecho.engines import engines, load_engine, load_shared
from edgeecho.tools.verify import Drift, miss
from edgeecho_export.checks.parity import open_or_say
from edgeecho_export.shared.file import write_shared


def add_shared(
    artefact: Artefact,
    folder: Path,
    clips: NDArray[np.float32],
    limits: DriftLimits,
    required: str | None = None,
) -> Artefact:
    """Write the shared graph beside the artefact's file, check it, and return the artefact with it.

    `clips (n, 3, T, S, S)` are normalised. An engine that cannot open the graph is named and checks
    nothing. `UsageError` if clips are too short to share anything, `VerificationError` if an
    engine's EFs differ too much from those of the plain graph, `EngineError` if the `required`
    engine cannot open it, or none can.
    """
    plain = folder / artefact.file
    words.print(f"{plain.name}: the graph for overlapping clips")
    path, cost = write_shared(plain)
    allowed = PRECISIONS[artefact.precision].shared or replace(limits, mae=None)
    ran = {check.engine for check in artefact.verification}
    tried = (_check(entry.name, plain, path, cost, clips, allowed, required)
             for entry in engines() if entry.shares and entry.name in ran)  # fmt: skip
    checks = tuple(check for check in tried if check is not None)
    if not checks:
        raise EngineError(f"no engine here can check {path.name}: export with --no-shared")
    return replace(artefact, shared=SharedGraph(path.name, sha256_file(path), cost, checks))


def _check(
    engine: str,
    plain: Path,
    path: Path,
    cost: SharedCost,
    clips: NDArray[np.float32],
    allowed: DriftLimits,
    required: str | None,
) -> Mapping[str, Any] | None:
    model: ModelFile = replace(open_model(plain), shared=SharedFile(path, sha256_file(path), cost))
    together = open_or_say(path, engine, partial(load_shared, engine, model), required)
    if together is None:
        return None
    frames, starts = _overlapping(clips)
    alone = load_engine(engine, model)
    length = clips.shape[2]
    expected = np.concatenate([alone.run(frames[:, :, s : s + length]).ef for s in starts])
    try:
        found = together.infer({"frames": frames, "starts": starts})["ef"]
    except EngineError as error:
        raise EngineError(f"{error}: no bundle was written; export with --no-shared") from error
    drift = Drift.of(found, expected, expected)
    if missed := miss(drift, allowed):
        raise VerificationError(
            f"{path.name} on {engine}, against the plain graph, {missed}: no bundle was written; "
            "export with --no-shared"
        )
    facts = alone.facts
    return {
        "engine": facts.name,
        "version": facts.version,
        "clips": len(starts),
        "mean_difference": drift.mean,
        "max_difference": drift.max,
        "allowed": allowed.to_dict(),
    }


def _overlapping(clips: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Two clips in succession as frames `(1, 3, F, S, S)`, and starts near and far apart."""
    length = clips.shape[2] // 2 * 2
    frames = np.concatenate([clips[0, :, :length], clips[-1]], axis=1)
    return frames[None], np.array([0, 2, 8, length - 2, length], np.int64)
