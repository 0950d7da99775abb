"""The report of `edgeecho verify`, as text for people and as JSON to send back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgeecho.bundle import ModelFile
from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.environment import Environment
from edgeecho.common.precisions import PRECISIONS, DriftLimits, MaskLimits
from edgeecho.engines import EngineFacts
from edgeecho.tools.verify.drift import Drift
from edgeecho.tools.verify.masks import BATCHES as MASK_BATCHES
from edgeecho.tools.verify.masks import MaskDrift

SCHEMA = "edgeecho-verify-1"


@dataclass(frozen=True)
class Row:
    """One artefact on one engine."""

    model: ModelFile
    engine: EngineFacts
    clips: int
    drift: Drift
    limits: DriftLimits
    missed: str | None
    """The limit that was missed, in words; None: none."""


@dataclass(frozen=True)
class MaskRow:
    """One artefact of the segmentation on one engine."""

    model: ModelFile
    engine: EngineFacts
    frames: int
    drift: MaskDrift
    limits: MaskLimits
    missed: str | None
    """As of `Row`."""


@dataclass(frozen=True)
class NotRun:
    """One artefact that an engine did not run."""

    file: str
    engine: str
    reason: str
    failed: bool
    """Whether it should have run: the artefact is damaged, or its engine refused it."""


@dataclass(frozen=True)
class VerifyReport:
    """All results, and the machine that gave them."""

    name: str
    version: str
    clips: str
    """Description of the clips."""
    batches: tuple[int, ...]
    source: str
    """What gave the EFs that the drift is measured from."""
    environment: Environment
    """Contains no host name, user name or path."""
    rows: tuple[Row, ...]
    masks: tuple[MaskRow, ...] = ()
    masks_source: str = ""
    """What gave the masks that these are compared with."""
    not_run: tuple[NotRun, ...] = ()

    @property
    def failed(self) -> tuple[NotRun, ...]:
        """Artefacts that should have run and did not."""
        return tuple(left for left in self.not_run if left.failed)

    @property
    def missed(self) -> tuple[str, ...]:
        """One sentence for each row that misses a limit."""
        rows: tuple[Row | MaskRow, ...] = (*self.rows, *self.masks)
        return tuple(
            f"{row.model.path.name} on {row.engine.name} {row.missed}" for row in rows if row.missed
        )


def to_text(report: VerifyReport) -> str:
    """A table; the drift is in EF points."""
    batches = ", ".join(map(str, report.batches))
    names = _names(report.rows)
    width = max(map(len, names))
    lines = [
        f"{report.name} {report.version}: {report.clips} at batch {batches}, "
        f"on {report.environment.cpu}",
        f"EF points from {report.source}; MAE: change of the error against the labels",
        f"  {'':{width}}  clips  {'mean':>7}  {'p95':>7}  {'max':>7}  {'MAE':>7}",
    ]
    for name, row in zip(names, report.rows, strict=True):
        drift = row.drift
        verdict = "FAIL" if row.missed else "ok"
        lines.append(
            f"  {name:{width}}  {row.clips:5}  {drift.mean:7.4f}  {drift.p95:7.4f}  "
            f"{drift.max:7.4f}  {drift.mae:+7.4f}  {verdict}"
        )
        lines += _loosened(
            row, row.limits.wider_than(PRECISIONS[row.model.precision].limits), width
        )
    lines += _mask_lines(report)
    # Many often have the same reason, which is then given once.
    for reason in dict.fromkeys(left.reason for left in report.not_run):
        names = [f"{n.file} on {n.engine}" for n in report.not_run if n.reason == reason]
        lines.append(f"not run: {', '.join(names)}: {reason}")
    return "\n".join([*lines, RESEARCH_USE])


def _names(rows: Sequence[Row | MaskRow]) -> list[str]:
    return [f"{r.model.path.name} on {r.engine.name} {r.engine.version}" for r in rows]


def _loosened(row: Row | MaskRow, wider: Sequence[str], width: int) -> list[str]:
    """The limits that are wider than in our own table, unless the row misses one all the same."""
    if not wider or row.missed:
        return []
    allowed = ", ".join(f"{name} {getattr(row.limits, name)}" for name in wider)
    return [f"  {'':{width}}  held to loosened limits: {allowed}"]


def _mask_lines(report: VerifyReport) -> list[str]:
    """A table of the masks, areas in %; empty if the bundle has no segmentation."""
    if not report.masks:
        return []
    names = _names(report.masks)
    width = max(map(len, names))
    batches = ", ".join(map(str, MASK_BATCHES))
    lines = [
        f"Masks against {report.masks_source}, {report.masks[0].frames} frames at batch {batches}; "
        "areas: differences in %",
        f"  {'':{width}}  {'Dice':>7}  {'area':>6}  {'worst':>6}",
    ]
    for name, row in zip(names, report.masks, strict=True):
        drift = row.drift
        verdict = "FAIL" if row.missed else "ok"
        lines.append(
            f"  {name:{width}}  {drift.dice:7.5f}  {drift.area:6.3f}  {drift.worst_area:6.2f}  "
            f"{verdict}"
        )
        wider = row.limits.wider_than(PRECISIONS[row.model.precision].masks)
        lines += _loosened(row, wider, width)
    return lines


def to_dict(report: VerifyReport) -> dict[str, Any]:
    """Plain types. A drift that is not a number becomes null, since JSON has no NaN."""
    return {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "model": {"name": report.name, "version": report.version},
        "batches": list(report.batches),
        "reference": report.source,
        "passed": not report.missed and not report.failed,
        "results": [
            {
                "file": row.model.path.name,
                "sha256": row.model.sha256,
                "precision": row.model.precision,
                "engine": asdict(row.engine),
                "clips": row.clips,
                "drift": {k: v if math.isfinite(v) else None for k, v in asdict(row.drift).items()},
                "limits": row.limits.to_dict(),
                "missed": row.missed,
            }
            for row in report.rows
        ],
        "masks_reference": report.masks_source if report.masks else None,
        "masks": [
            {
                "file": row.model.path.name,
                "sha256": row.model.sha256,
                "precision": row.model.precision,
                "engine": asdict(row.engine),
                "frames": row.frames,
                "batches": list(MASK_BATCHES),
                "drift": {k: v if math.isfinite(v) else None for k, v in asdict(row.drift).items()},
                "limits": row.limits.to_dict(),
                "missed": row.missed,
            }
            for row in report.masks
        ],
        "not_run": [asdict(left) for left in report.not_run],
        "environment": asdict(report.environment),
    }


def to_json(report: VerifyReport) -> str:
    from json import dumps

    return dumps(to_dict(report), indent=2, ensure_ascii=False, allow_nan=False)
