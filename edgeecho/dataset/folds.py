"""Splits, and which numbered folds of a data set belong to which split."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgeecho.common.errors import InputError

SPLITS = ("TRAIN", "VAL", "TEST")
_FILE = "FOLDS.txt"
_EXAMPLE = "train=0-7 val=8 test=9"
_RANGE = "[0-9]{1,4}(?:-[0-9]{1,4})?"
_WORD = re.compile(f"(train|val|test)=({_RANGE}(?:,{_RANGE})*)")


def splits_of(root: Path, texts: Sequence[tuple[str, str]]) -> list[str]:
    """TRAIN, VAL or TEST for each row of `root`'s listing, given as (location, Split).

    `InputError` for an invalid Split, for numbers without FOLDS.txt or the reverse, and for folds
    that only the rows or only FOLDS.txt have.
    """
    folds = _read_folds(root)
    if folds is None:
        return [_named(root, where, text) for where, text in texts]
    found = [_numbered(root, where, text, folds) for where, text in texts]
    if unused := folds.keys() - {int(text) for _, text in texts}:
        raise InputError(
            f"{root / _FILE} names fold {min(unused)}, which no row of FileList.csv has: "
            "mend the one that is wrong"
        )
    return found


def describe_folds(root: Path) -> str | None:
    """The choice of folds in a canonical form such as `train=0,1,2 test=3`; None without one."""
    folds = _read_folds(root)
    if folds is None:
        return None
    each = {split: [str(n) for n in sorted(folds) if folds[n] == split] for split in SPLITS}
    return " ".join(f"{split.lower()}={','.join(n)}" for split, n in each.items() if n)


def _named(root: Path, where: str, text: str) -> str:
    if text.upper() in SPLITS:
        return text.upper()
    if _fold(text) is not None:
        raise InputError(
            f"{where}: Split is {text}, the number of a fold: say which folds are which split in "
            f"{root / _FILE}, a line such as {_EXAMPLE}"
        )
    raise InputError(f"{where}: Split is {text!r}, not one of {', '.join(SPLITS)}")


def _numbered(root: Path, where: str, text: str, folds: Mapping[int, str]) -> str:
    fold = _fold(text)
    if fold is None:
        raise InputError(
            f"{where}: Split is {text!r}, not the number of a fold, which {root / _FILE} is for: "
            "remove that file, or mend the row"
        )
    if fold not in folds:
        raise InputError(
            f"{where}: fold {fold} is in no split of {root / _FILE}: add it there, every row counts"
        )
    return folds[fold]


def _fold(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,4}", text) else None


def _read_folds(root: Path) -> dict[int, str] | None:
    """Mapping of fold to split; None if there is no FOLDS.txt."""
    file = root / _FILE
    if not file.is_file():
        return None
    try:
        words = file.read_text(encoding="utf-8-sig").lower().split()
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text: write it again, such as {_EXAMPLE}") from error
    folds: dict[int, str] = {}
    for word in words:
        match = _WORD.fullmatch(word)
        if match is None:
            raise InputError(f"{file}: {word!r} is not understood: write it like {_EXAMPLE}")
        for number in _numbers(match[2]):
            if number in folds:
                raise InputError(f"{file} names fold {number} twice: a video is of one split only")
            folds[number] = match[1].upper()
    if not folds:
        raise InputError(f"{file} names no folds: write it like {_EXAMPLE}")
    return folds


def _numbers(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
