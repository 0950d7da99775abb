"""The predictions of one model, and the file that keeps them so that a killed run can resume.

The file's lines are the videos in the order of FileList.csv.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeecho.common.journal import Journal
from edgeecho.inference import EFEstimate
from edgeecho.tools.evaluate.masks import VideoMasks
from edgeecho.trust import Hints, Interval

_FORMAT = 2


@dataclass(frozen=True)
class Prediction:
    """What an evaluation keeps of the estimate for one video."""

    name: str
    """File name without suffix."""
    ef: float
    """Mean over the clips in %, refused or not."""
    frames: int
    """Frames at the model's frame rate; with the clip mode, this gives the clips' starts."""
    clip_efs: tuple[float, ...]
    """EF of each clip in %."""
    interval: Interval | None
    refusals: tuple[str, ...]
    """Names of the gates that refused it; empty if none did."""
    decode_ms: float
    preprocess_ms: float
    engine_ms: float
    clips_shared: int
    """Number of clips that were answered together, so that their times depend on each other."""
    hints: Hints
    """What the width of the interval depends on."""
    masks: VideoMasks | None = None
    """None without a segmentation, and in a mode that was derived from another."""

    @property
    def seconds(self) -> float:
        """Time from the file to the answer in s."""
        return (self.decode_ms + self.preprocess_ms + self.engine_ms) / 1e3

    @classmethod
    def of(
        cls, name: str, frames: int, answer: EFEstimate, masks: VideoMasks | None = None
    ) -> Prediction:
        """Convert the estimate of a file."""
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
            hints=answer.hints,
            masks=masks,
        )

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Prediction:
        """Inverse of `dataclasses.asdict`, after JSON."""
        interval, masks = value["interval"], value["masks"]
        return cls(
            **{
                **value,
                "interval": None if interval is None else Interval(**interval),
                "clip_efs": tuple(float(ef) for ef in value["clip_efs"]),
                "refusals": tuple(str(gate) for gate in value["refusals"]),
                "hints": Hints(**value["hints"]),
                "masks": None if masks is None else VideoMasks.from_dict(masks),
            }
        )


class PredictionLog:
    """The predictions so far, and the file that keeps them, if any."""

    def __init__(self, done: list[Prediction], journal: Journal | None) -> None:
        self.done = done
        self._journal = journal

    def add(self, prediction: Prediction) -> None:
        """Keep a prediction; it is in the file when this returns."""
        if self._journal is not None:
            self._journal.add(asdict(prediction))
        self.done.append(prediction)


def resume_predictions(
    path: Path | None, key: Mapping[str, Any], names: Sequence[str]
) -> PredictionLog:
    """Read the predictions in `path` for the videos `names`; None keeps them in memory only.

    A last line that a kill left incomplete is answered again. `OutputError` if the file belongs to
    another run (another `key`) or is damaged.
    """
    if path is None:
        return PredictionLog([], None)
    journal = Journal(path, "edgeecho_answers", _FORMAT, "edgeecho evaluate", "--out")
    rows = journal.take_up(key)
    try:
        done = [Prediction.from_dict(row) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise journal.damaged() from error
    if [prediction.name for prediction in done] != list(names[: len(done)]):
        raise journal.damaged()
    return PredictionLog(done, journal)
