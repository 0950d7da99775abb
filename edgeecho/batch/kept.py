"""An answer as plain values for a resume file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.beats import AreaCurve, Beat, Beats, Moment, Shape
from edgeecho.bundle import ModelFile
from edgeecho.engines import EngineFacts
from edgeecho.preprocess import VideoFacts
from edgeecho.results import Answer, Numbers, TracingFacts
from edgeecho.trust import Interval, Probabilities, Refusal

_NAMES = (
    "numbers", "although_refused", "refusals", "clips", "clip_starts", "clip_times_s", "warnings",
    "engine", "video", "timings_ms", "tracing",
)  # fmt: skip


def to_dict(answer: Answer) -> dict[str, Any]:
    """Everything but the model, in values that JSON has."""
    value = asdict(answer)
    for name in ("numbers", "although_refused"):
        if value[name] and (beats := value[name]["beats"]):
            beats["curve"] = {key: _listed(row) for key, row in beats["curve"].items()}
    return {name: value[name] for name in _NAMES}


def from_dict(row: Mapping[str, Any], model: ModelFile) -> Answer:
    """Inverse of `to_dict`, after JSON. `KeyError`, `TypeError`, ... if it is damaged."""
    times = row["clip_times_s"]
    video: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in row["video"].items()
    }
    return Answer(
        numbers=_numbers(row["numbers"]),
        although_refused=_numbers(row["although_refused"]),
        refusals=tuple(Refusal(**refusal) for refusal in row["refusals"]),
        clips=row["clips"],
        clip_starts=tuple(row["clip_starts"]),
        clip_times_s=None if times is None else tuple(times),
        warnings=tuple(row["warnings"]),
        model=model,
        engine=EngineFacts.from_dict(row["engine"]),
        video=VideoFacts(**video),
        timings_ms=dict(row["timings_ms"]),
        tracing=_tracing(row["tracing"]),
    )


def _numbers(value: Mapping[str, Any] | None) -> Numbers | None:
    if value is None:
        return None
    interval, probabilities = value["interval"], value["probabilities"]
    return Numbers(
        ef=value["ef"],
        sd=value["sd"],
        clip_efs=tuple(value["clip_efs"]),
        interval=None if interval is None else Interval(**interval),
        probabilities=None if probabilities is None else Probabilities(**probabilities),
        beats=_beats(value["beats"]),
    )


def _tracing(value: Mapping[str, Any] | None) -> TracingFacts | None:
    if value is None:
        return None
    source = value["source"]
    return TracingFacts(
        value["rule"],
        value["reason"],
        EngineFacts.from_dict(value["engine"]),
        None if source is None else tuple(source),
    )


def _beats(value: Mapping[str, Any] | None) -> Beats | None:
    if value is None:
        return None
    curve = AreaCurve(**{name: _array(row) for name, row in value["curve"].items()})
    found = tuple(
        Beat(**{**beat, "ed": _moment(beat["ed"]), "es": _moment(beat["es"])})
        for beat in value["found"]
    )
    return Beats(value["rule"], curve, found, value["reason"])


def _moment(value: Mapping[str, Any] | None) -> Moment | None:
    if value is None:
        return None
    shape = value["shape"]
    if shape is not None:
        shape = Shape(**{**shape, "base": tuple(shape["base"]), "apex": tuple(shape["apex"])})
    return Moment(**{**value, "shape": shape})


def _listed(values: NDArray[np.float64]) -> list[float | None]:
    # JSON has no NaN, the area of an empty mask.
    return [None if np.isnan(value) else value for value in values.tolist()]


def _array(values: list[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], np.float64)
