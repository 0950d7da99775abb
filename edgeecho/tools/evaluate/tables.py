"""Table rows as text, for both the terminal and the page."""

from __future__ import annotations

from collections.abc import Callable

from edgeecho.common.bootstrap import LEVEL, RESAMPLES, Measured
from edgeecho.tools.evaluate.assess import Assessed, EvaluationReport
from edgeecho.tools.evaluate.statistics import THRESHOLDS, Coverage

GROUPS = (
    "In EF points. Refused videos count in MAE and bias only. In parentheses the exact 95 % "
    "interval of a share."
)
Row = tuple[str, list[str]]
"""A name and the cells of all columns."""
INTERVAL = f"{LEVEL * 100:.0f} % bootstrap interval"
METHOD = (
    f"In parentheses the {INTERVAL} ({RESAMPLES:,} resamples of the videos). "
    "Accuracy is over all videos, refused ones included."
)


def summary(report: EvaluationReport) -> list[Row]:
    """Summary rows with one column per model, in the requested clip mode."""
    columns = [modes[0] for modes in report.models]
    rows = [(name, [cell(found) for found in columns]) for name, cell in _ROWS]
    # Leave out rows without any value.
    return [(name, cells) for name, cells in rows if any(cells)]


def by_clips(report: EvaluationReport) -> tuple[list[str], list[list[str]]]:
    """Heading and rows of accuracy against clips, with one row per model and clip mode."""
    heading = ["model", "clips", "MAE", "ms per video", "RMSE", "clips a video", "engine run for"]
    rows = [
        [
            found.run.model.precision,
            found.run.clips,
            _measured(found.measured["mae"], 2),
            f"{found.speed.ms_per_video:.0f}",
            _measured(found.measured["rmse"], 2),
            f"{found.speed.clips_per_video:.1f}",
            f"{len(found.run.ran)} videos",
        ]
        for modes in report.models
        for found in modes
    ]
    return heading, rows


def by_group(report: EvaluationReport) -> tuple[list[str], list[list[str]]]:
    """Heading and rows of the first model's groups of videos, in the requested clip mode."""
    heading = ["videos", "n", "refused", "MAE", "bias", "off by more than 10", "interval's width",
               "truth inside"]  # fmt: skip
    rows = [
        [
            group.name,
            str(group.n),
            str(group.refused),
            f"{group.mae:.2f}",
            f"{group.bias:+.2f}",
            str(group.far),
            "" if group.width is None else f"{group.width:.1f}",
            _share(group.coverage),
        ]
        for group in report.models[0][0].groups
    ]
    return heading, rows


def _share(found: Coverage | None) -> str:
    if found is None:
        return ""
    share, low, high = (100 * part for part in (found.share, found.low, found.high))
    return f"{found.inside} of {found.n}: {share:.1f} % ({low:.1f} to {high:.1f})"


def _measured(found: Measured | None, digits: int) -> str:
    if found is None:
        return "undefined"
    return f"{found.value:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"


def _statistic(name: str, digits: int) -> Callable[[Assessed], str]:
    return lambda found: _measured(found.measured[name], digits)


def _band(index: int) -> Callable[[Assessed], str]:
    def cell(found: Assessed) -> str:
        band = found.bands[index]
        if band.mae is None:
            return "no video"
        return f"{band.mae:.2f}, bias {band.bias:+.2f} (n {band.n})"

    return cell


def _correlation(found: Assessed) -> str:
    r = found.metrics.correlation
    return "undefined" if r is None else f"{r:.3f}"


def _agreement(found: Assessed) -> str:
    limits = found.agreement
    return "" if limits.low is None else f"{limits.low:+.2f} to {limits.high:+.2f}"


def _coverage(found: Assessed) -> str:
    share = found.coverage
    if share is None:
        return ""
    found_share, low, high = (100 * part for part in (share.share, share.low, share.high))
    return (
        f"{share.inside} of {share.n}: {found_share:.1f} % (exact {share.level * 100:.0f} % "
        f"interval {low:.1f} to {high:.1f}), meant {share.meant * 100:.0f} %"
    )


def _refused(found: Assessed) -> str:
    n = found.metrics.n
    return f"{found.refused} of {n} ({found.refused / n * 100:.1f} %)"


def _accepted(found: Assessed) -> str:
    return "" if found.accepted is None else f"{found.accepted.mae:.2f} (n {found.accepted.n})"


def _drift(found: Assessed) -> str:
    drift = found.drift
    if drift is None:
        return ""
    return f"mean {drift.mean:.3f}, p95 {drift.p95:.3f}, max {drift.max:.3f} from {drift.reference}"


def _change(found: Assessed) -> str:
    change = found.mae_change
    if change is None:
        return ""
    return f"{change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f})"


_ROWS: list[tuple[str, Callable[[Assessed], str]]] = [
    ("clips", lambda found: found.run.clips),
    ("MAE, EF points", _statistic("mae", 2)),
    ("MAE of always answering the mean", lambda found: f"{found.metrics.mae_of_mean:.2f}"),
    ("RMSE, EF points", _statistic("rmse", 2)),
    ("R2", _statistic("r2", 3)),
    ("r", _correlation),
    ("bias, EF points", lambda found: f"{found.metrics.bias:+.2f}"),
    ("limits of agreement, bias ± 1.96 sd", _agreement),
    *((f"AUROC of EF < {t} %", _statistic(f"auroc_{t}", 3)) for t in THRESHOLDS),
    ("MAE where true EF ≤ 40 %", _band(0)),
    ("MAE where 40 < true EF < 50 %", _band(1)),
    ("MAE where true EF ≥ 50 %", _band(2)),
    ("truth inside the interval", _coverage),
    ("refused by a gate", _refused),
    ("MAE of the accepted, EF points", _accepted),
    ("|change of EF|, EF points", _drift),
    ("change of the MAE, paired", _change),
    ("ms per clip, engine, median", lambda found: f"{found.speed.ms_per_clip:.1f}"),
    ("ms per video, median", lambda found: f"{found.speed.ms_per_video:.0f}"),
    ("size of the model, MB", lambda found: f"{found.run.model.path.stat().st_size / 1e6:.1f}"),
    ("engine", lambda found: f"{found.run.engine.name} {found.run.engine.version}"),
]
