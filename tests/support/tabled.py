"""Cohorts and their tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from media import phantom_frames, write_video
from tasks import TWO, task

from edgeecho.batch import (
    BLOCK,
    FORMATS,
    Processes,
    Tally,
    Task,
    answer_cohort,
    open_table,
    read_source,
)

PHANTOMS = sorted((Path(__file__).parents[2] / "examples" / "phantoms" / "Videos").iterdir())


def many(folder: Path, number: int) -> Path:
    """As many contents, each a second long: bytes behind the end of an AVI change nothing else."""
    folder.mkdir()
    content = write_video(folder / "v000.avi", frames=phantom_frames()[:66]).read_bytes()
    for index in range(number):
        (folder / f"v{index:03}.avi").write_bytes(content + b"\0" * index)
    return folder


def parts(table: Path) -> list[Path]:
    """The files that hold its rows."""
    return sorted(table.glob("part-*"))


def rows_of(table: Path) -> list[dict[str, Any]]:
    """In the order of the source."""
    blocks = [FORMATS[path.suffix[1:]].read(path) for path in parts(table)]
    assert all(len(block) <= BLOCK for block in blocks)
    return sorted((row for block in blocks for row in block), key=lambda row: row["Number"])


def fill(kind: type[Task], source: Path, table: Path) -> tuple[Tally, list[dict[str, Any]]]:
    """What `edgeecho cohort` does, with tasks that crash or fail."""
    asked = task(kind, show_refused=False)
    with open_table(table, FORMATS["csv"], asked, paths=False) as opened:
        items = read_source(source).items
        tally = answer_cohort(asked, items, opened, Processes(asked, TWO), 60, lambda _: None)
    return tally, rows_of(table)
