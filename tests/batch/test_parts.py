"""Rows come back from a part as they were written, or not at all."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from edgeecho.batch import FORMATS, Item
from edgeecho.batch.row import COLUMNS, engine_of, is_final, shown_path
from edgeecho.common.errors import OutputError

ROW: dict[str, Any] = {
    **dict.fromkeys(COLUMNS),
    "FileName": '\'=a "name", with',
    "Number": 7,
    "EF": math.pi * 10,
    "Level": 0.1 + 0.2,
    "FileSHA256": "ab" * 32,
    "Error": "one\nand another line",
    "Result": "[" + "1234567890, " * 40_000 + "1]",
}


@pytest.fixture(params=FORMATS)
def form(request: pytest.FixtureRequest) -> Any:
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    return FORMATS[request.param]


def test_rows_come_back(form: Any, tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "Number": 8, "EF": None, "Result": None}]
    path = form.write(tmp_path, 3, rows)
    assert path.name.startswith("part-000003-")
    assert list(tmp_path.iterdir()) == [path]
    assert form.read(path) == rows
    assert form.read(path, ("Number", "EF")) == [
        {"Number": 7, "EF": math.pi * 10},
        {"Number": 8, "EF": None},
    ]


def test_a_part_that_is_cut_changed_or_renamed_is_refused(form: Any, tmp_path: Path) -> None:
    path = form.write(tmp_path, 0, [ROW])
    content = path.read_bytes()
    flipped = content[:40] + bytes([content[40] ^ 1]) + content[41:]
    for changed in (content[:-1], flipped, b""):
        path.write_bytes(changed)
        with pytest.raises(OutputError, match="is damaged or was changed: remove it"):
            form.read(path)
    path.write_bytes(content)
    assert form.read(path)
    with pytest.raises(OutputError, match="is damaged"):
        form.read(path.rename(tmp_path / f"part-000000-0123456789ab{path.suffix}"))


@pytest.mark.parametrize(
    ("path", "name", "shown"),
    [
        ("/data/a b.avi", "a b.avi", "/data/a b.avi"),
        ("s3://bucket/x/y%20z.dcm", "y z.dcm", "s3://bucket/x/y%20z.dcm"),
        ("https://me:word@host:8/a/b.avi?sign=1#x", "b.avi", "https://host:8/a/b.avi"),
        ("https://host/", "file", "https://host/"),
        ("=cmd.avi", "=cmd.avi", "'=cmd.avi"),
    ],
)
def test_what_is_shown_of_a_path(path: str, name: str, shown: str) -> None:
    item = Item(1, path)
    assert (item.name, shown_path(item)) == (name, shown)


def test_which_rows_are_final() -> None:
    assert is_final(ROW)
    assert is_final({**ROW, "ExitCode": 3})
    assert not is_final({**ROW, "ExitCode": 4})
    assert not is_final({**ROW, "ExitCode": 3, "FileSHA256": None})
    assert engine_of(ROW) is None
