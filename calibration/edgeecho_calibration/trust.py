"""Answering every validation video, and keeping the answers so that a new fit can reuse them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.about import VERSION
from edgeecho.common.errors import InputError, OutputError
from edgeecho.common.files import sha256_file
from edgeecho.dataset import LabelledVideo, describe_dataset, naming, read_dataset, read_labelled
from edgeecho.inference import LoadedModel, run_clips
from edgeecho.preprocess import ClipMode, VideoFacts, clip_starts, prepare
from edgeecho.trust import Signals, measure

_COARSEST = 64
"""Largest stride that an interval is measured for, besides the single-clip modes."""


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
        )


@dataclass(frozen=True, eq=False)
class LabelledAnswer:
    """A labelled video, and the EF that each clip mode gives."""

    video: str
    ef: float
    """Label in %."""
    by_mode: Mapping[str, tuple[float, Signals]]
    """Predicted EF in %, and the signals measured with it."""


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
    done = {} if keep is None else _read(keep, source)
    modes = modes_from(clips)
    answered = []
    for video in track(videos):
        one = done.get(video.name) or _answer(video, model, modes)
        if keep is not None and video.name not in done:
            _append(keep, source, one)
        answered.append(one)
    return source, answered


def _answer(video: LabelledVideo, model: LoadedModel, modes: Sequence[ClipMode]) -> LabelledAnswer:
    spec = model.file.preprocess
    with naming(video):
        cine = read_labelled(video)
        prepared = prepare(cine, spec)
    signals = measure(cine, prepared, VideoFacts.of(cine, prepared, spec), spec)
    wanted = {mode: clip_starts(len(prepared.frames), spec, mode) for mode in modes}
    starts = np.unique(np.concatenate(list(wanted.values())))
    outputs = run_clips(prepared, spec, model.engine, starts, model.sharing).outputs

    def of(chosen: NDArray[np.intp]) -> tuple[float, Signals]:
        places = np.searchsorted(starts, chosen)
        efs, seen = outputs.ef[places], outputs.embedding[places]
        return float(efs.mean(dtype=np.float64)), signals.with_clips(efs, seen)

    return LabelledAnswer(video.name, video.ef, {str(m): of(s) for m, s in wanted.items()})


def _append(keep: Path, source: RunIdentity, one: LabelledAnswer) -> None:
    """Append a line for a video; the first line of the file is the source."""
    try:
        new = not keep.is_file() or keep.stat().st_size == 0
        with keep.open("a", encoding="utf-8") as stream:
            if new:
                stream.write(json.dumps({"source": asdict(source)}) + "\n")
            stream.write(json.dumps(_to_dict(one)) + "\n")
    except OSError as error:
        raise OutputError(f"{keep} cannot be written: {error.strerror}") from error


def _read(keep: Path, source: RunIdentity) -> dict[str, LabelledAnswer]:
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
        answered = [_from_dict(json.loads(line)) for line in lines[1:-1]]
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
        "signals": _signals_to_dict(replace(first, clip_sd=None, embedding=None)),
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
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in value.items()}


def _from_dict(value: Mapping[str, Any]) -> LabelledAnswer:
    signals: dict[str, Any] = {k: np.asarray(v, np.float32) if isinstance(v, list) else v
               for k, v in value["signals"].items()}  # fmt: skip
    base = Signals(**signals)

    def of(mode: Mapping[str, Any]) -> tuple[float, Signals]:
        embedding = np.asarray(mode["embedding"], np.float32)
        return mode["ef"], replace(base, clip_sd=mode["clip_sd"], embedding=embedding)

    return LabelledAnswer(
        value["video"], value["ef"], {k: of(v) for k, v in value["modes"].items()}
    )
