"""Every video of a split through the same path as `infer`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeecho import RESEARCH_USE
from edgeecho.dataset import LabelledVideo, describe_dataset, read_dataset
from edgeecho.estimation import EFEstimate, LoadedModel, estimate_file
from edgeecho.evaluate.metrics import Metrics
from edgeecho.files import sha256_file


@dataclass(frozen=True)
class Evaluation:
    """Predictions and metrics of one model on one split."""

    data: str
    """What the data set says of itself."""
    file_list_sha256: str
    split: str
    clips: str
    videos: Sequence[LabelledVideo]
    answers: Sequence[EFEstimate]

    @property
    def metrics(self) -> Metrics:
        """Over all videos of the split."""
        return Metrics.of(
            np.array([answer.ef for answer in self.answers]),
            np.array([video.ef for video in self.videos]),
        )

    def to_text(self) -> str:
        """For people."""
        m = self.metrics
        lines = [
            f"{m.n} videos, {self.split} of: {self.data}",
            f"MAE {m.mae:.2f}  RMSE {m.rmse:.2f}  bias {m.bias:+.2f} EF points",
        ]
        if m.correlation is not None and m.r2 is not None:
            lines.append(f"r {m.correlation:.3f}  R2 {m.r2:.3f}")
        lines.append(f"always answering the mean: MAE {m.mae_of_mean:.2f}")
        return "\n".join([*lines, RESEARCH_USE])


def evaluate(
    data: Path,
    model: LoadedModel,
    *,
    split: str,
    clips: str,
    track: Callable[[Sequence[LabelledVideo]], Iterable[LabelledVideo]] = iter,
) -> Evaluation:
    """Answer every video of `split` and compare with its label.

    `track` may wrap the videos in a progress bar.

    `InputError` where the data set or one of its videos cannot be used: an evaluation that
    left videos out would be another evaluation.
    """
    videos = read_dataset(data, split=split)
    return Evaluation(
        data=describe_dataset(data),
        file_list_sha256=sha256_file(data / "FileList.csv"),
        split=split.upper(),
        clips=clips,
        videos=videos,
        answers=[estimate_file(video.path, model, clips=clips) for video in track(videos)],
    )
