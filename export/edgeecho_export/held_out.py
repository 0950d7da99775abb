"""Which clips the gates judge an export by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeecho.common.console import words
from edgeecho.common.errors import UsageError
from edgeecho.common.files import sha256_file
from edgeecho.dataset import LabelledVideo, describe_dataset, read_dataset
from edgeecho.dataset.reference import ReferenceClips, load_reference_clips, select_reference_clips
from edgeecho.tools.verify import FEW
from edgeecho_export.checkpoint import Source

INT8_CLIPS = 32
"""INT8's drift scatters by about its own size from clip to clip: on 8 clips the change of the MAE
is uncertain by as much as its limit. More cost time: each runs on every engine."""


@dataclass(frozen=True)
class Chosen:
    """Clips, and a few words on where they are from."""

    clips: ReferenceClips
    source: str


def choose_held_out(
    checkpoint: Path, source: Source, clips: Path | None, calibrated_on: Path | None
) -> Chosen:
    """Clips of the data set `clips`, or else those that the checkpoint brings.

    Where INT8 was calibrated on a data set, 32 clips of `clips` or of the VAL split of that one,
    and none of its training split. `UsageError` where there are none to be had.
    """
    data = clips or calibrated_on
    if data is None:
        if source.reference is None:
            raise UsageError(
                "this checkpoint brings no reference clips: give --clips DATA, an EchoNet-format "
                "data set, so that the export can be compared with PyTorch"
            )
        path = checkpoint.with_name(source.reference["file"])
        found = load_reference_clips(path, source.reference["sha256"])
        return Chosen(found, f"the checkpoint's {len(found.clips)} reference clips")
    videos = _unseen(data, int8=calibrated_on is not None)
    n = FEW if calibrated_on is None else INT8_CLIPS
    chosen = select_reference_clips(videos, source.preprocess, n=n)
    if chosen is None:
        raise UsageError(f"every video of {data} is shorter than a clip: give other --clips")
    if calibrated_on is not None and len(chosen.clips) < INT8_CLIPS:
        words.print(
            f"INT8 is judged on {len(chosen.clips)} clips only, {INT8_CLIPS} are wanted: whether "
            "it passes is partly chance; give --clips DATA with more validation videos"
        )
    splits = "/".join(sorted({video.split for video in videos}))
    digest = sha256_file(data / "FileList.csv")[:12]
    return Chosen(
        chosen,
        f"{len(chosen.clips)} {splits} clips of: {describe_dataset(data)} "
        f"(FileList.csv sha256 {digest})",
    )


def _unseen(data: Path, *, int8: bool) -> list[LabelledVideo]:
    videos = read_dataset(data)
    validation = [video for video in videos if video.split == "VAL"]
    if validation or not int8:
        return validation or list(videos)
    others = [video for video in videos if video.split != "TRAIN"]
    if not others:
        raise UsageError(
            f"{data} has training videos only, and INT8 cannot be judged by what it was "
            "calibrated on: give --clips DATA with a VAL split"
        )
    return others
