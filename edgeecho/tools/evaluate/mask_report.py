"""Masks against tracings, and EF beat by beat, over all videos of a split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgeecho.common.bootstrap import Measured, bootstrap_mean
from edgeecho.tools.evaluate.agreement import Efs
from edgeecho.tools.evaluate.masks import VideoMasks
from edgeecho.tools.evaluate.metrics import EFMetrics
from edgeecho.tools.evaluate.phases import Phase, phases_of
from edgeecho.tools.evaluate.predictions import Prediction
from edgeecho.tools.evaluate.statistics import bootstrap


@dataclass(frozen=True)
class EFRow:
    """One way to the EF of a video, against the labels."""

    name: str
    metrics: EFMetrics | None
    """Videos without such an EF count with the mean over all their clips, but for the traced EF:
    there they are left out. None if all are."""
    measured: Mapping[str, Measured | None]
    """`mae`, `rmse` and `r2` with bootstrap intervals."""
    change: Measured | None
    """Paired: its MAE minus that of all clips. The upper end is a one-sided bound of 95 %."""
    without: Mapping[str, int]
    """Number of videos without such an EF, by reason."""
    own: EFMetrics | None
    """Over the other videos alone; None if there are none."""


@dataclass(frozen=True)
class MaskReport:
    """What masks and beats are worth on one split."""

    phases: tuple[Phase, ...]
    """ED, ES and both; empty if no video has usable tracings."""
    left_out: Mapping[str, int]
    """Number of videos without usable tracings, by fault; empty if the data set has none."""
    rows: tuple[EFRow, ...]
    """The traced EF; with `--clips all` also one clip, all clips and beat by beat."""
    ms: float
    """Median time for masks and beats of a video."""

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return asdict(self)


def report_masks(predictions: Sequence[Prediction], truth: Efs, clips: str) -> MaskReport | None:
    """The report of one run; None if the model has no segmentation."""
    videos = [prediction.masks for prediction in predictions]
    masks = [video for video in videos if video is not None]
    if len(masks) < len(videos):
        return None
    by_clips = _by_clips(predictions, masks, truth) if clips == "all" else ()
    return MaskReport(
        phases=phases_of([video.traced for video in masks if video.traced is not None]),
        left_out=_count(video.fault for video in masks),
        rows=(*by_clips, _traced(masks, truth)),
        ms=float(np.median([video.ms for video in masks])),
    )


def _by_clips(
    predictions: Sequence[Prediction], masks: Sequence[VideoMasks], truth: Efs
) -> tuple[EFRow, ...]:
    every = np.array([prediction.ef for prediction in predictions])
    first = np.array([prediction.clip_efs[0] for prediction in predictions])
    rows = [_row("the clip at frame 0", first, truth, every), _row("all clips", every, truth)]
    for name, found in [
        ("beat by beat", [video.default for video in masks]),
        ("beat by beat, published rule", [video.published for video in masks]),
    ]:
        why = [beat.why for beat in found]
        efs = [
            ef if beat.ef is None else beat.ef
            for beat, ef in zip(found, every.tolist(), strict=True)
        ]
        rows.append(_row(name, np.array(efs), truth, every, why))
    return tuple(rows)


def _row(
    name: str,
    efs: Efs,
    truth: Efs,
    every: Efs | None = None,
    why: Sequence[str | None] = (),
) -> EFRow:
    there = np.array([reason is None for reason in why] or [True] * len(efs))
    error = np.abs(efs - truth)
    return EFRow(
        name=name,
        metrics=EFMetrics.of(efs, truth),
        measured=bootstrap(efs, truth, thresholds=()),
        change=None if every is None else bootstrap_mean(error - np.abs(every - truth)),
        without=_count(why),
        own=EFMetrics.of(efs[there], truth[there]) if there.any() else None,
    )


def _traced(masks: Sequence[VideoMasks], truth: Efs) -> EFRow:
    efs = [np.nan if video.traced_ef is None else video.traced_ef for video in masks]
    there = np.isfinite(efs)
    without = _count(v.no_beats for v in masks if v.traced_ef is None)
    if not there.any():
        return EFRow("traced EF", None, {}, None, without, None)
    row = _row("traced EF", np.array(efs)[there], truth[there])
    return EFRow(row.name, row.metrics, row.measured, None, without, row.metrics)


def _count(reasons: Iterable[str | None]) -> dict[str, int]:
    """How often each reason is given."""
    # A plain dict: `asdict` cannot make a Counter anew.
    return dict(Counter(reason for reason in reasons if reason is not None))
