"""Answering every calibration video in several clip modes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeecho.dataset import LabelledVideo, naming, read_dataset, read_labelled
from edgeecho.inference import LoadedModel, ReadyVideo, measure_prepared, run_clips, trace
from edgeecho.preprocess import ClipMode, clip_starts, prepare
from edgeecho.trust import Signals
from edgeecho_calibration.trust_kept import LabelledAnswer, RunIdentity, append, read

_COARSEST = 64
"""Largest stride that an interval is measured for, besides the single-clip modes."""


def modes_from(finest: ClipMode) -> tuple[ClipMode, ...]:
    """The clip modes that a run of `finest` and two more clips can answer, finest first."""
    single = (ClipMode("center"), ClipMode("one"))
    if finest.kind in ("center", "one"):
        return tuple(mode for mode in single if mode == finest or finest.kind == "center")
    strides = []
    stride = 2 * finest.stride
    while stride <= _COARSEST:
        strides.append(ClipMode("stride", stride))
        stride *= 2
    return (finest, *strides, *single)


def answer_all(
    data: Path,
    model: LoadedModel,
    *,
    split: str,
    clips: ClipMode,
    keep: Path | None,
    track: Callable[[Sequence[LabelledVideo]], Iterable[LabelledVideo]] = iter,
) -> tuple[RunIdentity, list[LabelledAnswer]]:
    """Answer every video of `split`; those already in `keep` are taken from it.

    `InputError` if any cannot be used: an interval must not be measured on the usable videos only.
    """
    videos = read_dataset(data, split=split)
    source = RunIdentity.of(data, model, split, clips)
    done = {} if keep is None else read(keep, source)
    modes = modes_from(clips)
    answered = []
    for video in track(videos):
        one = done.get(video.name) or _answer(video, model, modes)
        if keep is not None and video.name not in done:
            append(keep, source, one)
        answered.append(one)
    return source, answered


def _answer(video: LabelledVideo, model: LoadedModel, modes: Sequence[ClipMode]) -> LabelledAnswer:
    spec = model.file.preprocess
    with naming(video):
        cine = read_labelled(video)
        prepared = prepare(cine, spec)
    answers = answer_ready(measure_prepared(cine, prepared, spec), model, modes)
    return LabelledAnswer(video.name, video.ef, answers)


def answer_ready(
    ready: ReadyVideo, model: LoadedModel, modes: Sequence[ClipMode]
) -> dict[str, tuple[float, Signals]]:
    """EF in % and signals of a prepared video, by clip mode."""
    prepared, signals, spec = ready.prepared, ready.signals, model.file.preprocess
    wanted = {mode: clip_starts(len(prepared.frames), spec, mode) for mode in modes}
    starts = np.unique(np.concatenate(list(wanted.values())))
    outputs = run_clips(prepared, spec, model.engine, starts, model.sharing).outputs
    if model.masks is not None:
        signals = signals.with_traced(trace(prepared, spec, model.masks).beats)

    def of(chosen: NDArray[np.intp]) -> tuple[float, Signals]:
        places = np.searchsorted(starts, chosen)
        efs, seen = outputs.ef[places], outputs.embedding[places]
        return float(efs.mean(dtype=np.float64)), signals.with_clips(efs, seen)

    return {str(mode): of(starts) for mode, starts in wanted.items()}
