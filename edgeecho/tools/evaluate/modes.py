"""Computing coarser clip modes from the clips of the finest run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeecho.common.errors import UsageError
from edgeecho.inference import LoadedModel
from edgeecho.preprocess import ClipMode, PreprocessSpec, clip_starts
from edgeecho.tools.evaluate.predictions import Prediction
from edgeecho.trust import Hints, Interval


def parse_modes(clips: str, also: Sequence[str]) -> tuple[ClipMode, list[ClipMode]]:
    """Parse the finest clip mode and the coarser ones of the command line.

    `UsageError` if `all` or a stride takes clips that the finest mode does not. `one` and `center`
    are always accepted: if their clip is not among the finest mode's, it is run.
    """
    finest, others = ClipMode.parse(clips), [ClipMode.parse(mode) for mode in also]
    for mode in others:
        if [finest, *others].count(mode) > 1:
            raise UsageError(f"{mode} is asked for twice: leave one --also out")
        many = mode.kind in ("all", "stride")
        held = finest.kind in ("all", "stride") and mode.stride % finest.stride == 0
        if many and not held:
            raise UsageError(
                f"--also {mode}: its clips are not among those of --clips {finest}: give the "
                "finest as --clips (stride:N holds stride:2N, stride:3N, ...; all holds all)"
            )
    return finest, others


def derive(finest: Prediction, clips: str, mode: ClipMode, model: LoadedModel) -> Prediction | None:
    """The prediction of `mode`, from the clips that mode `clips` took of the same video.

    None if `mode` has a clip that `clips` lacks. Decoding and preprocessing times are as measured,
    and the engine time is proportional to the clips. For clips that were answered together that
    share is unknown: to get times, some videos must be run again. Refusals are those of the finest
    run.
    """
    spec = model.file.preprocess
    places = {start: i for i, start in enumerate(starts_of(finest, clips, spec))}
    wanted = clip_starts(finest.frames, spec, mode).tolist()
    if not set(wanted) <= places.keys():
        return None
    # As in `estimation`: the same numbers in the same order give the same mean bit for bit.
    efs = np.array([finest.clip_efs[places[start]] for start in wanted], np.float32)
    ef = float(efs.mean(dtype=np.float64))
    sd = float(np.std(efs, ddof=1)) if len(efs) > 1 else None
    hints = replace(finest.hints, ef=ef, clip_sd=sd)
    return replace(
        finest,
        ef=ef,
        clip_efs=tuple(efs.tolist()),
        interval=None if finest.refusals else interval_of(model, mode, hints),
        hints=hints,
        engine_ms=finest.engine_ms * len(wanted) / len(finest.clip_efs),
        masks=None,
    )


def starts_of(prediction: Prediction, clips: str, spec: PreprocessSpec) -> list[int]:
    """First frame of each clip of a prediction, counted from 0 at the model's frame rate."""
    starts: list[int] = clip_starts(prediction.frames, spec, ClipMode.parse(clips)).tolist()
    return starts


def interval_of(model: LoadedModel, mode: ClipMode, hints: Hints) -> Interval | None:
    """The model's interval around an EF of this clip mode; None if it was not measured."""
    return model.trust.interval(mode, hints) if model.trust else None
