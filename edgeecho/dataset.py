"""EchoNet-Dynamic's folder layout, read without torch.

    ROOT/FileList.csv    FileName, EF, ESV, EDV, FrameHeight, FrameWidth, FPS, NumberOfFrames, Split
    ROOT/Videos/*.avi
    ROOT/DESCRIPTION.txt one line that says what the data are (ours, optional)

The layout is described at https://echonet.github.io/dynamic/. File names carry no suffix in
the public file and `.avi` in some copies; Split is written in any case. Both are accepted.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edgeecho.errors import InputError

SPLITS = ("TRAIN", "VAL", "TEST")
_REQUIRED = ("FileName", "EF", "Split")


@dataclass(frozen=True)
class LabelledVideo:
    """One row of FileList.csv."""

    name: str
    """File name without suffix."""
    path: Path
    ef: float
    """Ejection fraction in %."""
    split: str
    """TRAIN, VAL or TEST."""
    fps: float | None
    """Frames per second, where the file says so."""


def read_dataset(root: Path, *, split: str | None = None) -> tuple[LabelledVideo, ...]:
    """Read the rows of `root/FileList.csv`, in order, of one split or of all.

    Every row must be usable and every video must exist: a row that was quietly dropped would
    make two people report different numbers on "the same" data. Otherwise `InputError`.
    """
    listing = root / "FileList.csv"
    if not listing.is_file():
        raise InputError(
            f"{root} is not an EchoNet-format data set (no FileList.csv): "
            "give the folder that holds FileList.csv and Videos/"
        )
    try:
        with listing.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = [c for c in _REQUIRED if c not in (reader.fieldnames or [])]
            if missing:
                raise InputError(f"{listing} has no column {', '.join(missing)}")
            rows = [_read_row(root, row, f"{listing}:{reader.line_num}") for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{listing} is not a CSV file: {error}") from error
    absent = [video.name for video in rows if not video.path.is_file()]
    if absent:
        raise InputError(
            f"{len(absent)} of {len(rows)} videos of {listing} are not in {root / 'Videos'}, "
            f"the first is {absent[0]}.avi: complete the folder or remove the rows"
        )
    if doubled := [name for name, n in Counter(v.name for v in rows).items() if n > 1]:
        raise InputError(f"{listing} lists {doubled[0]} more than once: keep one row a video")
    chosen = tuple(v for v in rows if split is None or v.split == split.upper())
    if not chosen:
        raise InputError(f"{listing} has no rows{f' of split {split.upper()}' if split else ''}")
    return chosen


def describe_dataset(root: Path) -> str:
    """What the data are, for manifests and model cards: `root/DESCRIPTION.txt`, if it is there."""
    file = root / "DESCRIPTION.txt"
    if file.is_file():
        return " ".join(file.read_text(encoding="utf-8", errors="replace").split())
    return "an EchoNet-format data set without a description"


def _read_row(root: Path, row: dict[str, str], where: str) -> LabelledVideo:
    file_name = (row["FileName"] or "").strip()
    name = file_name[:-4] if file_name.lower().endswith(".avi") else file_name
    if not name or Path(name).name != name:
        raise InputError(f"{where}: FileName {file_name!r} is not the name of a file in Videos/")
    split = (row["Split"] or "").strip().upper()
    if split not in SPLITS:
        raise InputError(f"{where}: Split is {row['Split']!r}, not one of {', '.join(SPLITS)}")
    try:
        ef = float(row["EF"])
        fps = float(row["FPS"]) if row.get("FPS") else None
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: EF and FPS must be numbers") from error
    if fps is not None and not 0 < fps < 10_000:
        raise InputError(f"{where}: FPS is {fps}: leave it empty where it is not known")
    if not 0 <= ef <= 100:
        raise InputError(f"{where}: EF is {ef}, not within 0..100 %")
    return LabelledVideo(name, root / "Videos" / f"{name}.avi", ef, split, fps)
