"""One model's answers, small enough to keep thousands, in a file that survives being killed.

Its lines are the videos in the order of FileList.csv.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeecho.common.journal import Journal
from edgeecho.inference import EFEstimate
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

    def __init__(self, done: list[Prediction], journal: Journal | None) -> None:
        self.done = done
        self._journal = journal

    def add(self, prediction: Prediction) -> None:
        """Keep one more; it is in the file before this returns."""
        if self._journal is not None:
            self._journal.add(asdict(prediction))
        self.done.append(prediction)


def resume_answers(path: Path | None, key: Mapping[str, Any], names: Sequence[str]) -> Answers:
    """Take up what `path` holds of the videos `names`; None: keep the answers in memory only.

    A last line that was cut when the process was killed is answered again. `OutputError` where
    the file holds another run's answers (another `key`), or is not as it was written.
    """
    if path is None:
        return Answers([], None)
    journal = Journal(path, "edgeecho_answers", _FORMAT, "edgeecho evaluate", "--out")
    rows = journal.take_up(key)
    try:
        done = [Prediction.from_dict(row) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise journal.damaged() from error
    if [prediction.name for prediction in done] != list(names[: len(done)]):
        raise journal.damaged()
    return Answers(done, journal)
