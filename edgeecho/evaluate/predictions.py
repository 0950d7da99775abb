"""One model's answers, small enough to keep thousands, in a file that survives being killed.

{"edgeecho_answers": 1, "key": {...}, "seal": ...}    whose answers these are
{"name": ..., "ef": ..., ..., "seal": ...}            a video, in the order of FileList.csv
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeecho.bundle.manifest import sealed
from edgeecho.errors import OutputError
from edgeecho.estimation import EFEstimate
from edgeecho.files import append_line, make_folder
from edgeecho.trust import Interval

_FORMAT = 1


@dataclass(frozen=True)
class Prediction:
    """What an evaluation keeps of one video's answer."""

    name: str
    """File name without suffix."""
    ef: float
    """Mean over the clips in %, refused or not."""
    frames: int
    """Length at the model's time base: with the clip mode it says where the clips begin."""
    clip_efs: tuple[float, ...]
    """EF of each clip in %."""
    interval: Interval | None
    refusals: tuple[str, ...]
    """Names of the gates that refused it; empty: none did."""
    decode_ms: float
    preprocess_ms: float
    engine_ms: float
    clips_shared: int = 0
    """So many clips were answered together: the time of one depends on its neighbours."""

    @property
    def seconds(self) -> float:
        """From the file to the answer."""
        return (self.decode_ms + self.preprocess_ms + self.engine_ms) / 1e3

    @classmethod
    def of(cls, name: str, frames: int, answer: EFEstimate) -> Prediction:
        """From an estimate of a file."""
        ms = answer.timings_ms
        return cls(
            name=name,
            ef=answer.ef,
            frames=frames,
            clip_efs=answer.clip_efs,
            interval=answer.interval,
            refusals=tuple(refusal.gate for refusal in answer.refusals),
            decode_ms=ms["decode"],
            preprocess_ms=ms["preprocess"],
            engine_ms=ms["engine"],
            clips_shared=answer.clips_shared,
        )

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Prediction:
        """Reverse of `dataclasses.asdict`, through JSON."""
        interval = value["interval"]
        return cls(
            **{
                **value,
                "interval": None if interval is None else Interval(**interval),
                "clip_efs": tuple(float(ef) for ef in value["clip_efs"]),
                "refusals": tuple(str(gate) for gate in value["refusals"]),
            }
        )


class Answers:
    """Answers so far, and the file that they are kept in, where there is one."""

    def __init__(self, done: list[Prediction], path: Path | None) -> None:
        self.done = done
        self._path = path

    def add(self, prediction: Prediction) -> None:
        """Keep one more; it is in the file before this returns."""
        if self._path is not None:
            append_line(self._path, _line(asdict(prediction)))
        self.done.append(prediction)


def resume_answers(path: Path | None, key: Mapping[str, Any], names: Sequence[str]) -> Answers:
    """Take up what `path` holds of the videos `names`; None: keep the answers in memory only.

    A last line that was cut when the process was killed is answered again. `OutputError` where
    the file holds another run's answers (another `key`), or is not as it was written.
    """
    if path is None:
        return Answers([], None)
    content = _whole_lines(path)
    if not content:
        make_folder(path.parent)
        append_line(path, _line({"edgeecho_answers": _FORMAT, "key": dict(key)}))
        return Answers([], path)
    try:
        head, *rows = map(_read_line, content.decode("utf-8").splitlines())
        if head["edgeecho_answers"] != _FORMAT:
            raise ValueError(f"format {head['edgeecho_answers']}")
        found = dict(head["key"])
        done = [Prediction.from_dict(row) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path) from error
    if other := [name for name in key if found.get(name) != key[name]]:
        raise OutputError(
            f"{path} holds answers of another run (not the same {', '.join(other)}): "
            "choose another --out, or remove that file"
        )
    if [prediction.name for prediction in done] != list(names[: len(done)]):
        raise _damaged(path)
    return Answers(done, path)


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(sealed(value), allow_nan=False)


def _read_line(line: str) -> dict[str, Any]:
    value = json.loads(line)
    if sealed(value)["seal"] != value["seal"]:
        raise ValueError("the seal does not fit")
    return {name: content for name, content in value.items() if name != "seal"}


def _whole_lines(path: Path) -> bytes:
    """Lines that have their end; what comes after the last of them is cut off the file."""
    content = path.read_bytes() if path.is_file() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    return content[:whole]


def _damaged(path: Path) -> OutputError:
    return OutputError(
        f"{path} is damaged or no file of `edgeecho evaluate`: remove it to begin again, "
        "or choose another --out"
    )
