"""Writing the result folder of an evaluation.

index.html                       one self-contained page with everything
metrics.json                     all numbers
PRECISION/predictions.csv        one row per clip, in EchoNet-Dynamic's layout
PRECISION/videos.csv             one row per video, with a header
PRECISION/scatter.png, .pdf ...  the plots
work/*.jsonl                     the predictions, from which an interrupted run resumes
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from edgeecho.common.errors import UsageError
from edgeecho.common.files import write_json, write_text
from edgeecho.common.text import cell
from edgeecho.tools.evaluate.assess import Assessed, EvaluationReport
from edgeecho.tools.evaluate.masks import VideoMasks
from edgeecho.tools.evaluate.modes import starts_of
from edgeecho.tools.evaluate.page import to_html
from edgeecho.tools.evaluate.plots import draw_plots
from edgeecho.tools.evaluate.run import Evaluation, Run

WORK = "work"
VIDEO_COLUMNS = (
    "FileName", "EF", "Predicted", "Error", "IntervalLow", "IntervalHigh", "IntervalLevel",
    "Refused", "Refusals", "Clips", "Seconds",
)  # fmt: skip

MASK_COLUMNS = (
    "TracedEF", "BeatEF", "BeatsUsed", "BeatsWithClip", "NoBeats", "PublishedBeatEF",
    "PublishedBeats", "PublishedBeatsWithClip", "DiceED", "DiceES", "FramesOffED", "FramesOffES",
    "NotTraced",
)  # fmt: skip


def check_folder(out: Path) -> None:
    """Raise `UsageError` if `out` holds files that are not of an evaluation."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is not a folder: choose another name")
    if out.is_dir() and any(out.iterdir()) and not (out / WORK).is_dir():
        raise UsageError(
            f"--out {out} holds something else (no {WORK}/ of an evaluation): choose a new folder"
        )


def write_results(out: Path, report: EvaluationReport, created: datetime) -> None:
    """Write everything except `work/`. Raises `OutputError`."""
    for modes in report.models:
        found = modes[0]
        folder = out / found.run.model.precision
        write_text(folder / "predictions.csv", _clips_csv(report.evaluation, found.run))
        write_text(folder / "videos.csv", _videos_csv(report.evaluation, found))
        draw_plots(folder, report.evaluation, found)
    write_json(out / "metrics.json", report.to_dict())
    write_text(out / "index.html", to_html(report, out, created))


def _clips_csv(evaluation: Evaluation, run: Run) -> str:
    """The published layout: no header; file name, index of the clip, its EF with 4 digits.

    The published index is that among all clips, so it is the clip's first frame. It is that here in
    every clip mode.
    """
    spec = run.model.preprocess
    return _csv(
        (video.path.name, start, f"{ef:.4f}")
        for video, prediction in zip(evaluation.videos, run.predictions, strict=True)
        for start, ef in zip(
            starts_of(prediction, run.clips, spec), prediction.clip_efs, strict=True
        )
    )


def _videos_csv(evaluation: Evaluation, found: Assessed) -> str:
    """EF, Predicted and interval are in %, Error (Predicted - EF) in EF points, Seconds in s.

    With a segmentation `MASK_COLUMNS` follow; FramesOff is that of the nearest detected moment.
    """
    rows: list[Sequence[object]] = [VIDEO_COLUMNS + (MASK_COLUMNS if found.masks else ())]
    for video, prediction in zip(evaluation.videos, found.run.predictions, strict=True):
        interval = prediction.interval
        bounds = [f"{v:.2f}" for v in (interval.low, interval.high)] if interval else ["", ""]
        rows.append(
            [
                cell(video.name),
                f"{video.ef:.2f}",
                f"{prediction.ef:.2f}",
                f"{prediction.ef - video.ef:.2f}",
                *bounds,
                interval.level if interval else "",
                "yes" if prediction.refusals else "no",
                "; ".join(prediction.refusals),
                len(prediction.clip_efs),
                f"{prediction.seconds:.3f}",
                *(_mask_cells(prediction.masks) if prediction.masks else ()),
            ]
        )
    return _csv(rows)


def _mask_cells(masks: VideoMasks) -> list[object]:
    ours, published = masks.default, masks.published
    ed, es = masks.traced or (None, None)
    return [
        _number(masks.traced_ef),
        _number(ours.ef),
        ours.beats,
        ours.clips,
        masks.no_beats or ours.why or "",
        _number(published.ef),
        published.beats,
        published.clips,
        *("" if frame is None else f"{frame.dice:.4f}" for frame in (ed, es)),
        *("" if frame is None or frame.late is None else frame.late for frame in (ed, es)),
        masks.fault or "",
    ]


def _number(ef: float | None) -> str:
    return "" if ef is None else f"{ef:.2f}"


def _csv(rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()
