"""Reading ahead of the engine."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edgeecho.common.errors import InputError
from edgeecho.inference import read_ahead

FILES = [Path(name) for name in "abcd"]


def test_one_file_is_read_ahead_and_no_more() -> None:
    begun: list[str] = []
    wait = threading.Event()

    def read(file: Path) -> str:
        begun.append(file.name)
        assert wait.wait(10)
        return file.name * 2

    with read_ahead(read, FILES) as reads:
        wait.set()
        assert next(reads).result(10) == "aa"
        assert next(reads).result(10) == "bb"
        assert len(begun) <= 3
    assert begun[:2] == ["a", "b"]
    assert "d" not in begun, "nothing is read behind the one that waited"


def test_two_files_are_never_read_at_once() -> None:
    read_now: list[str] = []
    together = threading.Event()

    def read(file: Path) -> bool:
        read_now.append(file.name)
        if len(read_now) > 1:
            together.set()
        met = together.wait(0.05)
        read_now.remove(file.name)
        return met

    with read_ahead(read, FILES) as reads:
        assert [future.result(10) for future in reads] == [False] * 4


def test_it_begins_before_anybody_asks() -> None:
    begun = threading.Event()
    with read_ahead(lambda _: begun.set(), FILES):
        assert begun.wait(10)


def test_an_error_stays_with_its_file() -> None:
    def read(file: Path) -> str:
        if file.name == "b":
            raise InputError("b is no video")
        return file.name

    with read_ahead(read, FILES) as reads:
        assert next(reads).result() == "a"
        with pytest.raises(InputError):
            next(reads).result()
        assert [future.result() for future in reads] == ["c", "d"]


def test_no_files_are_no_work() -> None:
    with read_ahead(str, []) as reads:
        assert list(reads) == []
