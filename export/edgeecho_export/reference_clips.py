"""Choosing the clips on which an export's drift is checked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeecho.common.console import words
from edgeecho.common.errors import UsageError
from edgeecho.common.files import sha256_file
from edgeecho.common.precisions import FEW, PRECISIONS
from edgeecho.dataset import LabelledVideo, describe_dataset, read_dataset
from edgeecho.dataset.reference import ReferenceClips, load_reference_clips, select_reference_clips
from edgeecho_export.checkpoint import LoadedCheckpoint
from edgeecho_export.recipes.base import Calibration, ExportRecipe


@dataclass(frozen=True)
class SelectedClips:
    """Clips, and a short description of their source."""

    clips: ReferenceClips
    source: str


def select_clips(
    checkpoint: Path,
    source: LoadedCheckpoint,
    clips: Path | None,
    calibration: Calibration | None,
    recipes: Collection[ExportRecipe],
) -> SelectedClips:
    """Clips of the data set `clips`, or else those of the checkpoint.

    If a recipe needs a calibration set, they come from `clips` or from the VAL split of that set's
    data, never from the training split. There are as many as the recipes want, or fewer if the data
    has no more. `UsageError` if there are none.
    """
    rows = {recipe.name: PRECISIONS[recipe.name] for recipe in recipes}
    n = max((row.clips for row in rows.values()), default=FEW)
    fitted = [name.upper() for name, row in rows.items() if row.calibrated and calibration]
    data = clips
    if data is None and fitted and calibration is not None:
        data = calibration.data or Path(calibration.chosen.folder)
    if data is None:
        if source.reference is None:
            raise UsageError(
                "this checkpoint brings no reference clips: give --clips DATA, an EchoNet-format "
                "data set, so that the export can be compared with PyTorch"
            )
        path = checkpoint.with_name(source.reference["file"])
        found = load_reference_clips(path, source.reference["sha256"])
        return SelectedClips(found, f"the checkpoint's {len(found.clips)} reference clips")
    videos = _unseen(data, fitted)
    chosen = select_reference_clips(videos, source.preprocess, n=n)
    if chosen is None:
        raise UsageError(f"every video of {data} is shorter than a clip: give other --clips")
    if fitted and len(chosen.clips) < n:
        words.print(
            f"{fitted[0]} is judged on {len(chosen.clips)} clips only, {n} are wanted: whether "
            "it passes is partly chance; give --clips DATA with more validation videos"
        )
    splits = "/".join(sorted({video.split for video in videos}))
    digest = sha256_file(data / "FileList.csv")[:12]
    return SelectedClips(
        chosen,
        f"{len(chosen.clips)} {splits} clips of: {describe_dataset(data)} "
        f"(FileList.csv sha256 {digest})",
    )


def _unseen(data: Path, fitted: Sequence[str]) -> list[LabelledVideo]:
    videos = read_dataset(data)
    validation = [video for video in videos if video.split == "VAL"]
    if validation or not fitted:
        return validation or list(videos)
    others = [video for video in videos if video.split != "TRAIN"]
    if not others:
        raise UsageError(
            f"{data} has training videos only, and {fitted[0]} cannot be judged by what it was "
            "calibrated on: give --clips DATA with a VAL split"
        )
    return others
