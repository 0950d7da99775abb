"""Masks and beats as table rows, for both the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edgeecho.common.bootstrap import Measured
from edgeecho.dataset.tracings import TRACINGS_FILE
from edgeecho.tools.evaluate.assess import Assessed, EvaluationReport
from edgeecho.tools.evaluate.mask_report import EFRow, MaskReport
from edgeecho.tools.evaluate.phases import Distance, SizeError

MASKS = (
    "The network's masks in the traced frames against the tracings. Dice: over all pixels. Area "
    "and volume (20 discs, one plane): of the mask's largest part, in % of the tracing's, mean and "
    "mean absolute error. Off: distance to the nearest ED or ES that was detected in the video, in "
    "frames of the file and in ms, median and 90th percentile; where none was detected, it counts "
    "as infinite."
)
BEATS = (
    "Beat by beat: the mean over the clips that begin 32 frames before each end systole; a video "
    "without such a clip counts with the mean over all its clips, and is counted here. Change: "
    "paired, the upper end is a one-sided bound of 95 %. "
)
TRACED = (
    "Traced EF: from the volumes of the masks alone; videos without a beat are left out, and "
    "counted here."
)
BY_CLIPS = "EF beat by beat was not measured: it needs the EF of every clip, --clips all."


@dataclass(frozen=True)
class MaskTable:
    """One table with what is said about it."""

    name: str
    title: str
    about: str
    heading: list[str]
    rows: list[list[str]]
    notes: list[str]


def mask_tables(report: EvaluationReport) -> list[MaskTable]:
    """The tables of masks and of beats; empty without a segmentation."""
    measured = [(modes[0], modes[0].masks) for modes in report.models]
    found = [(first, masks) for first, masks in measured if masks]
    if not found:
        return []
    masks_heading = [
        "model", "frames", "Dice", "area, %", "volume, %", "off, frames", "off, ms", "not detected",
    ]  # fmt: skip
    beats_heading = ["model", "EF of", "MAE", "RMSE", "R2", "change of the MAE", "videos without",
                     "MAE of the others"]  # fmt: skip
    by_masks = [row for first, masks in found for row in _phases(first, masks)]
    by_beats = [
        [first.run.model.precision, *_ef(row)] for first, masks in found for row in masks.rows
    ]
    every = any(len(masks.rows) > 1 for _, masks in found)
    about, notes = (BEATS + TRACED, []) if every else (TRACED, [BY_CLIPS])
    return [
        MaskTable("masks", "Masks against tracings", MASKS, masks_heading, by_masks, [
            _left_out(first, masks) for first, masks in found if not masks.phases or masks.left_out
        ]),
        MaskTable("beats", "EF beat by beat", about, beats_heading, by_beats, notes),
    ]  # fmt: skip


def _phases(first: Assessed, masks: MaskReport) -> Iterator[list[str]]:
    for phase in masks.phases:
        frames = phase.videos * (2 if phase.name == "both" else 1)
        yield [
            first.run.model.precision,
            phase.name,
            _measured(phase.dice, 3),
            _size(phase.area),
            _size(phase.volume),
            _distance(phase.frames, "{:.0f}"),
            _distance(phase.ms, "{:.0f}"),
            f"{phase.undetected} of {frames}",
        ]


def _left_out(first: Assessed, masks: MaskReport) -> str:
    precision = first.run.model.precision
    if not masks.left_out:
        return f"{precision}: not compared, the data set has no {TRACINGS_FILE}."
    total = sum(masks.left_out.values())
    return f"{precision}: {total} videos were not compared ({_reasons(masks.left_out)})."


def _ef(row: EFRow) -> list[str]:
    if row.metrics is None:
        return [row.name, "", "", "", "", _without(row), ""]
    return [
        row.name,
        _measured(row.measured["mae"], 2),
        f"{row.metrics.rmse:.2f}",
        _measured(row.measured["r2"], 3),
        f"{row.change.value:+.2f} ({row.change.low:+.2f} to {row.change.high:+.2f})"
        if row.change
        else "",
        _without(row),
        f"{row.own.mae:.2f} (n {row.own.n})" if row.own and row.without else "",
    ]


def _without(row: EFRow) -> str:
    total = sum(row.without.values())
    return f"{total} ({_reasons(row.without)})" if total else "0"


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason}: {count}" for reason, count in counts.items())


def _measured(found: Measured | None, digits: int) -> str:
    if found is None:
        return "undefined"
    return f"{found.value:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"


def _size(error: SizeError) -> str:
    return f"{error.bias:+.1f}, abs. {error.mae.value:.1f}"


def _distance(distance: Distance, form: str) -> str:
    shown = ["infinite" if v is None else form.format(v) for v in (distance.median, distance.p90)]
    return ", ".join(shown)
