"""Checking that a command does not overwrite its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from os.path import realpath
from pathlib import Path


def check_outputs(outputs: Mapping[str, Path | None], inputs: Iterable[Path | None]) -> None:
    """`UsageError` if an output, by option, is an input, or if two outputs are the same file.

    Links and other names for a file are recognised. For an input folder its files are compared, so
    only give folders that commands do not write into, such as a bundle. Call it before anything is
    written; None: not given.
    """
    from edgeecho.common.errors import UsageError

    given = {option: path for option, path in outputs.items() if path is not None}
    if not given:
        return
    for (one, first), (other, second) in combinations(given.items(), 2):
        # Unlike `resolve`, realpath accepts circular links.
        if realpath(first) == realpath(second) or _identity(first) & _identity(second):
            raise UsageError(f"{one} and {other} are one file, {first}: give two names")
    read = {facts for path in inputs if path is not None for facts in _identity(path)}
    for option, path in given.items():
        if _identity(path) & read and path.is_file():
            raise UsageError(
                f"{option} {path} is one of the files to be read, and would replace it: "
                "choose another name"
            )


def _identity(path: Path) -> set[tuple[int, int]]:
    """Device and inode of a file, or of each file in a folder; empty if there is none."""
    try:
        if path.is_dir():
            return {facts for file in path.iterdir() if file.is_file() for facts in _identity(file)}
        facts = path.stat()
    except OSError:  # a missing file cannot be overwritten; reading it gives the reason
        return set()
    return {(facts.st_dev, facts.st_ino)}
