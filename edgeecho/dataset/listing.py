"""Reading the rows of FileList.csv."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeecho.cine import VIDEO_SUFFIXES
from edgeecho.common.errors import InputError
from edgeecho.dataset.folds import describe_folds, splits_of
from edgeecho.dataset.videos import VideoFolder, bare_name

_REQUIRED = ("FileName", "EF", "Split")


@dataclass(frozen=True)
class LabelledVideo:
    """One row of FileList.csv."""

    name: str
    """File name without a video suffix."""
    path: Path
    ef: float
    """Ejection fraction in %."""
    split: str
    """TRAIN, VAL or TEST."""
    fps: float | None
    """Frames per second, if the listing states it."""


@dataclass(frozen=True)
class _Row:
    where: str
    file_name: str
    ef: float
    split: str
    """As written in the file."""
    fps: float | None


def read_dataset(root: Path, *, split: str | None = None) -> tuple[LabelledVideo, ...]:
    """Read the rows of `root/FileList.csv` in order, of one split or of all.

    `InputError` if any row is unusable or any video is missing: if rows were dropped silently, two
    people would report different numbers for "the same" data.
    """
    listing = root / "FileList.csv"
    if not listing.is_file():
        raise InputError(
            f"{root} is not an EchoNet-format data set (no FileList.csv): "
            "give the folder that holds FileList.csv and Videos/"
        )
    rows = _read_rows(listing)
    splits = splits_of(root, [(row.where, row.split) for row in rows])
    paths = _find(root / "Videos", rows)
    _check_once(listing, paths)
    videos = tuple(
        LabelledVideo(bare_name(path.name), path, row.ef, its_split, row.fps)
        for row, path, its_split in zip(rows, paths, splits, strict=True)
    )
    chosen = tuple(v for v in videos if split is None or v.split == split.upper())
    if not chosen:
        raise InputError(f"{listing} has no rows{f' of split {split.upper()}' if split else ''}")
    return chosen


def describe_dataset(root: Path) -> str:
    """A description for manifests and model cards: the text of `root/DESCRIPTION.txt`, if any.

    It includes the choice of folds, because another choice is another test set.
    """
    file = root / "DESCRIPTION.txt"
    text = "an EchoNet-format data set without a description"
    if file.is_file():
        text = " ".join(file.read_text(encoding="utf-8", errors="replace").split())
    folds = describe_folds(root)
    return text if folds is None else f"{text} (folds {folds})"


def _read_rows(listing: Path) -> list[_Row]:
    try:
        with listing.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = [c for c in _REQUIRED if c not in (reader.fieldnames or [])]
            if missing:
                raise InputError(f"{listing} has no column {', '.join(missing)}")
            return [_read_row(row, f"{listing}:{reader.line_num}") for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{listing} is not a CSV file: {error}") from error


def _read_row(row: Mapping[str, str | None], where: str) -> _Row:
    name = (row["FileName"] or "").strip()
    if not name or Path(name).name != name:
        raise InputError(f"{where}: FileName {name!r} is not the name of a file in Videos/")
    try:
        ef = float(row["EF"] or "")
        fps = float(row["FPS"] or "") if row.get("FPS") else None
    except ValueError as error:
        raise InputError(f"{where}: EF and FPS must be numbers") from error
    if fps is not None and not 0 < fps < 10_000:
        raise InputError(f"{where}: FPS is {fps}: leave it empty where it is not known")
    if not 0 <= ef <= 100:
        raise InputError(f"{where}: EF is {ef}, not within 0..100 %")
    return _Row(where, name, ef, (row["Split"] or "").strip(), fps)


def _find(folder: Path, rows: Sequence[_Row]) -> list[Path]:
    """The file of each row; `InputError` if there is none, or more than one."""
    videos = VideoFolder(folder)
    found = [videos.find(row.file_name) for row in rows]
    if absent := [row.file_name for row, files in zip(rows, found, strict=True) if not files]:
        raise InputError(
            f"{len(absent)} of {len(rows)} videos of FileList.csv are not in {folder}, the first "
            f"is {absent[0]} (looked for under this name, and with "
            f"{', '.join(sorted(VIDEO_SUFFIXES))} behind it): complete the folder, or remove the "
            "rows"
        )
    for row, files in zip(rows, found, strict=True):
        if len(files) > 1:
            raise InputError(
                f"{row.where}: FileName {row.file_name} fits {_words(files)}: write the suffix "
                "there, or leave one of the files"
            )
    return [files[0] for files in found]


def _check_once(listing: Path, paths: Sequence[Path]) -> None:
    first: dict[str, Path] = {}
    for path in paths:
        name = bare_name(path.name)
        if name not in first:
            first[name] = path
            continue
        if path == first[name]:
            raise InputError(f"{listing} lists {name} more than once: keep one row a video")
        raise InputError(
            f"{listing} lists {_words([first[name], path])}, which are one name in every result: "
            "keep one of them, or rename it"
        )


def _words(files: Sequence[Path]) -> str:
    return " and ".join(file.name for file in files)
