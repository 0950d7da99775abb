"""The four usage scenarios, each measured for all subjects in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from edgeecho.cine import Cine, read_cine
from edgeecho.inference import EFEstimate, LoadedModel, estimate, estimate_file
from edgeecho.preprocess import prepare
from edgeecho.tools.bench.run import STAGES
from edgeecho.tools.bench.turns import take_turns

BURST = 10
"""Number of consecutive clips per subject and turn."""
_RENAMED = {"decode": "read"}


@dataclass(frozen=True)
class Sample:
    """The times of one answer, or of the answers to several videos in a row."""

    stages_ms: Mapping[str, float]
    """By stage, and `total`."""
    cpu_ms: float
    clips: int
    clips_shared: int
    traced: int
    """Frames with a mask."""
    frames: int
    """Frames of the first video."""


@dataclass(frozen=True)
class SubjectSamples:
    """The samples of one subject."""

    samples: tuple[Sample, ...]
    dropped: int = 0


def measure_files(
    videos: Sequence[Path],
    models: Mapping[str, LoadedModel],
    *,
    clips: str,
    rounds: int,
    warmup: int,
) -> dict[str, SubjectSamples]:
    """Measure `single`, `study` or `offline`: a sample answers all `videos` in a row."""

    def task(model: LoadedModel) -> Callable[[], Sample]:
        def answer(video: Path) -> Sample:
            return _time(lambda: estimate_file(video, model, clips=clips))

        return lambda: _sum([answer(video) for video in videos])

    turns = take_turns(
        {label: task(model) for label, model in models.items()}, rounds=rounds, warmup=warmup
    )
    return {label: SubjectSamples(samples) for label, samples in turns.items()}


def measure_stream(
    video: Path, models: Mapping[str, LoadedModel], *, every_ms: float, rounds: int, warmup: int
) -> dict[str, SubjectSamples]:
    """Measure `stream`: in each round, `BURST` clips arrive in real time for each subject.

    A clip is decoded frames from a new place in the video each time. Its time counts from when it
    was due. Clips that arrive while an earlier one is being answered are dropped.
    """
    cine = read_cine(video)

    def task(model: LoadedModel) -> Callable[[], SubjectSamples]:
        windows = _windows(cine, model)
        return lambda: _burst(windows, model, every_ms / 1e3)

    turns = take_turns(
        {label: task(model) for label, model in models.items()}, rounds=rounds, warmup=warmup
    )
    return {
        label: SubjectSamples(
            tuple(sample for burst in bursts for sample in burst.samples),
            sum(burst.dropped for burst in bursts),
        )
        for label, bursts in turns.items()
    }


def _windows(cine: Cine, model: LoadedModel) -> list[Cine]:
    """`BURST` parts of the video, each just long enough for a clip at the model's frame rate."""
    spec = model.file.preprocess
    prepared = len(prepare(cine, spec).frames)
    length = min(-(-spec.window * len(cine.frames) // prepared) + 1, len(cine.frames))
    last = len(cine.frames) - length
    starts = [last * n // (BURST - 1) for n in range(BURST)]
    return [
        replace(
            cine,
            frames=cine.frames[s : s + length],
            timestamps_s=cine.timestamps_s[s : s + length] - cine.timestamps_s[s],
        )
        for s in starts
    ]


def _burst(windows: Sequence[Cine], model: LoadedModel, every_s: float) -> SubjectSamples:
    samples: list[Sample] = []
    dropped = 0
    begin = time.perf_counter()
    for number, window in enumerate(windows):
        due = begin + number * every_s
        wait = due - time.perf_counter()
        if number and wait < 0:
            dropped += 1
            continue
        time.sleep(max(wait, 0))
        samples.append(_time(partial(estimate, window, model, clips="center"), due))
    return SubjectSamples(tuple(samples), dropped)


def _time(answer: Callable[[], EFEstimate], due: float | None = None) -> Sample:
    """Time an answer. `total` counts from `due`, or from now if it is None."""
    begin = time.perf_counter()
    cpu = time.process_time()
    result = answer()
    end = time.perf_counter()
    cpu_ms = (time.process_time() - cpu) * 1e3
    names = [name for name in STAGES if name != "masks" or result.traced]
    stages = dict.fromkeys(names, 0.0)
    stages |= {_RENAMED.get(name, name): ms for name, ms in result.timings_ms.items()}
    stages["decide"] = (end - begin) * 1e3 - sum(stages.values())
    total = (end - (begin if due is None else due)) * 1e3
    return Sample(
        {**stages, "total": total},
        cpu_ms,
        len(result.clip_starts),
        result.clips_shared,
        len(result.traced.packed) if result.traced else 0,
        result.video.frames,
    )


def _sum(samples: Sequence[Sample]) -> Sample:
    first = samples[0]
    return Sample(
        {stage: sum(s.stages_ms[stage] for s in samples) for stage in first.stages_ms},
        sum(s.cpu_ms for s in samples),
        sum(s.clips for s in samples),
        sum(s.clips_shared for s in samples),
        sum(s.traced for s in samples),
        first.frames,
    )
