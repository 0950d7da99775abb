"""Results for people."""

from __future__ import annotations

from collections.abc import Sequence

from edgeecho import RESEARCH_USE
from edgeecho.estimation import EFEstimate
from edgeecho.plain import plain
from edgeecho.preprocess import VideoFacts
from edgeecho.report.outcome import Failure, Outcome, labels

AREAS = {
    "whole": "whole frame",
    "central square": "central square",
    "DICOM region": "sector by DICOM region",
    "found in the frames": "sector found in the frames",
    "--crop": "sector by --crop",
}
"""`VideoFacts.area` in words."""


def to_text(outcomes: Sequence[Outcome]) -> str:
    """One block a file, then what ran, then the banner."""
    lines: list[str] = []
    names = [plain(name) for name in labels(outcomes)]
    width = max(map(len, names))
    answers = [o.answer for o in outcomes if isinstance(o.answer, EFEstimate)]
    for name, outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome.answer, Failure):
            lines.append(f"{name:<{width}}  no answer: {outcome.answer.message}")
        else:
            lines += _answer(name.ljust(width), outcome.answer)
    if answers:
        lines += ["", *_what_ran(answers)]
    return "\n".join(map(plain, [*lines, RESEARCH_USE]))


def _answer(name: str, answer: EFEstimate) -> list[str]:
    n = len(answer.clip_efs)
    spread = "1 clip"
    if answer.sd is not None:
        low, high = min(answer.clip_efs), max(answer.clip_efs)
        spread = f"{n} clips, sd {answer.sd:.1f}, {low:.1f} to {high:.1f}"
    return [
        f"{name}  EF {answer.ef:5.1f} %  ({spread})",
        f"    {_what_was_done(answer.video)}",
        *(f"    warning: {warning}" for warning in answer.warnings),
    ]


def _what_was_done(video: VideoFacts) -> str:
    parts = ["frame rate unknown" if video.fps is None else f"{video.fps:.1f} fps"]
    if video.fps is not None:
        parts[0] += f" ({video.fps_source})"
    parts.append(video.time)
    if video.clip_s is not None:
        parts.append(f"clip {video.clip_s:.1f} s")
    if video.beats_per_clip is not None:
        parts.append(f"{video.beats_per_clip:.1f} beats ({video.heart_rate_bpm:.0f}/min)")
    return ", ".join([*parts, AREAS[video.area]])


def _what_ran(answers: Sequence[EFEstimate]) -> list[str]:
    model, engine = answers[0].model, answers[0].engine
    times = {
        name: sum(a.timings_ms[name] for a in answers) / len(answers)
        for name in answers[0].timings_ms
    }
    lines = [
        f"model   {model.name} {model.version}, {model.precision}, sha256 {model.sha256[:12]}",
        f"engine  {engine.name} {engine.version}, {engine.precision}, "
        f"{engine.threads} threads on {engine.device}",
        "time    "
        + ", ".join(f"{name} {ms:.0f} ms" for name, ms in times.items())
        + (" (mean of a file)" if len(answers) > 1 else ""),
    ]
    if model.trained_on:
        lines.insert(1, f"        trained on: {model.trained_on}")
    return lines
