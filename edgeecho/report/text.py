"""Results for people."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.text import printable
from edgeecho.preprocess import VideoFacts
from edgeecho.report.beats import in_words, no_beats
from edgeecho.results import Answer, Failure, Numbers, Outcome, answers, labels, percent
from edgeecho.trust import Refusal

AREAS = {
    "whole": "whole frame",
    "central square": "central square",
    "DICOM region": "sector by DICOM region",
    "found in the frames": "sector found in the frames",
    "--crop": "sector by --crop",
}
"""`VideoFacts.area` in words."""


def to_text(outcomes: Sequence[Outcome]) -> str:
    """One block per file, then model and engine, then the banner."""
    lines: list[str] = []
    names = [printable(name) for name in labels(outcomes)]
    width = max(map(len, names))
    for name, outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome.answer, Failure):
            lines.append(f"{name:<{width}}  no answer: {outcome.answer.message}")
        else:
            lines += _answer(name.ljust(width), outcome.answer)
    return "\n".join(map(printable, [*lines, *what_ran(outcomes), RESEARCH_USE]))


def gate_words(refusal: Refusal) -> str:
    """The gate's name as words: `too short`."""
    return refusal.gate.replace("-", " ")


def _answer(name: str, answer: Answer) -> list[str]:
    lines = [f"refused: {gate_words(r)}: {r.reason}" for r in answer.refusals]
    if answer.numbers:
        lines += numbers_in_words(answer.numbers)
    if answer.although_refused:
        lines += [
            f"shown although refused: {line}" for line in numbers_in_words(answer.although_refused)
        ]
    elif (why := no_beats(answer.tracing)) and not answer.numbers:
        lines.append(why)
    first, *others = lines
    return [
        f"{name}  {first}",
        *(f"    {line}" for line in [*others, _what_was_done(answer.video)]),
        *(f"    warning: {warning}" for warning in answer.warnings),
    ]


def without_name(message: str, file: str, called: str) -> str:
    """A message that calls a file otherwise: file names often contain patients' names."""
    return re.sub(rf"(?<!\w){re.escape(file)}(?!\w)", lambda _: called, message)


def numbers_in_words(numbers: Numbers) -> list[str]:
    """EF and its interval, then what is known of the bands' probabilities and of beats."""
    spread = "1 clip"
    if numbers.sd is not None:
        spread = f"{len(numbers.clip_efs)} clips, sd {numbers.sd:.1f}"
    if interval := numbers.interval:
        limits = f"{interval.low:.1f} to {interval.high:.1f}"
        spread = f"{100 * interval.level:g} % interval {limits}; {spread}"
    elif numbers.sd is not None:
        spread += f", {min(numbers.clip_efs):.1f} to {max(numbers.clip_efs):.1f}"
    lines = [f"EF {numbers.ef:5.1f} %  ({spread})"]
    if interval:
        lines.append(f"the interval was measured on {interval.domain}")
    if p := numbers.probabilities:
        chances = f"EF <= 40: {percent(p.at_most_40)}, EF < 50: {percent(p.below_50)}"
        lines.append(f"{numbers.band}; {chances}")
    if numbers.beats:
        lines.append(in_words(numbers.beats))
    return lines


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


def what_ran(outcomes: Sequence[Outcome]) -> list[str]:
    """An empty line, then model, engine and times; nothing if no file could be used."""
    if not (ran := answers(outcomes)):
        return []
    model, engine = ran[0].model, ran[0].engine
    times = {name: sum(a.timings_ms[name] for a in ran) / len(ran) for name in ran[0].timings_ms}
    lines = [
        "",
        f"model   {model.name} {model.version}, {model.precision}, sha256 {model.sha256[:12]}",
        f"engine  {engine.name} {engine.version}, {engine.precision}, "
        f"{engine.threads} threads on {engine.device}",
        *(f"        passed over: {one.name} ({one.why})" for one in engine.passed_over),
        "time    "
        + ", ".join(f"{name} {ms:.0f} ms" for name, ms in times.items())
        + (" (mean of a file)" if len(ran) > 1 else ""),
    ]
    if model.trained_on:
        lines.insert(2, f"        trained on: {model.trained_on}")
    if (tracing := ran[0].tracing) and (masks := model.segmentation):
        engine = tracing.engine
        lines.insert(
            -1,
            f"masks   {masks.architecture}, sha256 {masks.sha256[:12]}, {engine.name} "
            f"{engine.version}, {engine.precision}",
        )
    return lines
