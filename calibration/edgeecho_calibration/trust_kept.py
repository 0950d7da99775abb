"""Answers for calibration videos, and keeping them so that a new fit can reuse them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeecho.common.about import VERSION
from edgeecho.common.errors import InputError, OutputError
from edgeecho.common.files import sha256_file
from edgeecho.dataset import describe_dataset
from edgeecho.inference import LoadedModel
from edgeecho.preprocess import ClipMode
from edgeecho.trust import ShapeSignals, Signals, TimeSignals, TracedSignals


@dataclass(frozen=True)
class RunIdentity:
    """The model and data of a run: answers of different sources are never mixed."""

    data: str
    file_list_sha256: str
    split: str
    model_sha256: str
    preprocess_sha256: str
    precision: str
    engine: str
    clips: str
    edgeecho: str
    segmentation_sha256: str | None
    """None: no beats were traced."""

    @classmethod
    def of(cls, data: Path, model: LoadedModel, split: str, clips: ClipMode) -> RunIdentity:
        """Describe a data set and a loaded model."""
        return cls(
            data=describe_dataset(data),
            file_list_sha256=sha256_file(data / "FileList.csv"),
            split=split.upper(),
            model_sha256=model.file.sha256,
            preprocess_sha256=model.file.preprocess.sha256(),
            precision=model.file.precision,
            engine=f"{model.engine.facts.name} {model.engine.facts.version}",
            clips=str(clips),
            edgeecho=VERSION,
            segmentation_sha256=model.file.segmentation.sha256 if model.file.segmentation else None,
        )


@dataclass(frozen=True, eq=False)
class LabelledAnswer:
    """A labelled video, and the EF that each clip mode gives."""

    video: str
    ef: float
    """Label in %."""
    by_mode: Mapping[str, tuple[float, Signals]]
    """Predicted EF in %, and the signals measured with it."""


def append(keep: Path, source: RunIdentity, one: LabelledAnswer) -> None:
    """Append a line for a video; the first line of the file is the source."""
    try:
        new = not keep.is_file() or keep.stat().st_size == 0
        with keep.open("a", encoding="utf-8") as stream:
            if new:
                stream.write(json.dumps({"source": asdict(source)}) + "\n")
            stream.write(json.dumps(_to_dict(one)) + "\n")
    except OSError as error:
        raise OutputError(f"{keep} cannot be written: {error.strerror}") from error


def read(keep: Path, source: RunIdentity) -> dict[str, LabelledAnswer]:
    if not keep.exists():
        return {}
    try:
        lines = keep.read_text(encoding="utf-8").split("\n")
        if lines == [""]:
            return {}
        if json.loads(lines[0])["source"] != asdict(source):
            raise InputError(
                f"{keep} is of another model, data set or version: give another --keep, or "
                "delete it"
            )
        # A part after the last line break was being written when the run was stopped.
        answered = [from_dict(json.loads(line)) for line in lines[1:-1]]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{keep} is not what `calibrate trust` keeps ({error}): give another --keep"
        ) from error
    if lines[-1]:
        _cut_to(keep, len("\n".join(lines[:-1]).encode()) + 1)
    return {one.video: one for one in answered}


def _cut_to(keep: Path, length: int) -> None:
    with keep.open("r+b") as stream:
        stream.truncate(length)


def _to_dict(one: LabelledAnswer) -> dict[str, Any]:
    """Plain types for JSON; signals that are the same in every mode are written once."""
    first = next(iter(one.by_mode.values()))[1]
    return {
        "video": one.video,
        "ef": one.ef,
        "signals": _signals_to_dict(replace(first, clip_sd=None, embedding=None, ef=None)),
        "modes": {
            mode: {
                "ef": ef,
                "clip_sd": signals.clip_sd,
                "embedding": np.asarray(signals.embedding).tolist(),
            }
            for mode, (ef, signals) in one.by_mode.items()
        },
    }


def _signals_to_dict(signals: Signals) -> dict[str, Any]:
    value = asdict(signals)
    if signals.time is not None:
        value["time"]["arrow"] = signals.time.arrow.tolist()
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in value.items()}


def from_dict(value: Mapping[str, Any]) -> LabelledAnswer:
    signals: dict[str, Any] = {k: np.asarray(v, np.float32) if isinstance(v, list) else v
               for k, v in value["signals"].items()}  # fmt: skip
    if signals["traced"] is not None:
        signals["traced"] = TracedSignals(**signals["traced"])
    if signals["time"] is not None:
        arrow = np.asarray(signals["time"]["arrow"], np.float32)
        signals["time"] = TimeSignals(**{**signals["time"], "arrow": arrow})
    if signals["shape"] is not None:
        signals["shape"] = ShapeSignals(**signals["shape"])
    base = Signals(**signals)

    def of(mode: Mapping[str, Any]) -> tuple[float, Signals]:
        embedding = np.asarray(mode["embedding"], np.float32)
        ef = mode["ef"]
        return ef, replace(base, clip_sd=mode["clip_sd"], embedding=embedding, ef=ef)

    return LabelledAnswer(
        value["video"], value["ef"], {k: of(v) for k, v in value["modes"].items()}
    )
