"""Entries of the cache, without any engine: what is kept, what goes and what is never read."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from edgeecho.common import cache
from edgeecho.common.cache import (
    cache_folder,
    clear_cache,
    describe_folder,
    entries,
    load_entry,
    store_entry,
)

KEY = {"model": "a", "threads": 2}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEECHO_CACHE", str(tmp_path / "cache"))
    cache.say.cache_clear()
    return tmp_path / "cache"


def test_what_is_kept_is_found_again_by_its_key_alone(folder: Path) -> None:
    assert load_entry(KEY) is None
    assert entries() == {}
    store_entry(KEY, b"compiled")
    assert load_entry({"threads": 2, "model": "a"}) == b"compiled"
    assert load_entry({**KEY, "threads": 3}) is None
    (path,) = entries()
    assert path.parent == folder
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    store_entry(KEY, b"compiled anew")
    assert load_entry(KEY) == b"compiled anew"
    assert clear_cache() == 1
    assert load_entry(KEY) is None
    assert clear_cache() == 0


@pytest.mark.parametrize("change", ["blob", "key", "format", "nothing"])
def test_another_entry_under_its_name_is_not_read(
    folder: Path, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store_entry(KEY, b"compiled")
    (path,) = entries()
    content = path.read_bytes()
    path.write_bytes({
        "blob": content[:-1] + b"D",
        "key": content.replace(b'"threads": 2', b'"threads": 4'),
        "format": content.replace(b'"edgeecho": 1', b'"edgeecho": 2'),
        "nothing": b"",
    }[change])  # fmt: skip
    assert load_entry(KEY) is None
    assert "is damaged or not ours" in capsys.readouterr().err


def test_reading_an_entry_makes_it_the_last_used(folder: Path) -> None:
    store_entry(KEY, b"compiled")
    (path,) = entries()
    os.utime(path, (1000, 1000))
    load_entry(KEY)
    assert path.stat().st_mtime > 1000


def test_beyond_the_limit_the_least_recently_used_go(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_entry({"n": 0}, b"x" * 100)
    size = next(iter(entries().values())).st_size
    monkeypatch.setattr(cache, "LIMIT_BYTES", 3 * size)
    paths = {}
    for number in range(3):
        store_entry({"n": number}, b"x" * 100)
        (new,) = set(entries()) - set(paths.values()) or {paths[number]}
        paths[number] = new
        os.utime(new, (1000 + number, 1000 + number))
    assert len(entries()) == 3, "as much as may be"
    os.utime(paths[0], (5000, 5000))
    store_entry({"n": 3}, b"x" * 100)
    assert set(paths.values()) - set(entries()) == {paths[1]}
    # The newest stays, however old it looks; what is larger than all is not kept at all.
    monkeypatch.setattr(cache, "LIMIT_BYTES", size - 1)
    store_entry({"n": 4}, b"x" * 100)
    assert len(entries()) == 1
    assert load_entry({"n": 4}) is not None
    store_entry({"n": 5}, b"x" * size)
    assert load_entry({"n": 5}) is None
    assert size - 1 == cache.LIMIT_BYTES


def test_what_a_killed_writer_left_goes_after_an_hour(folder: Path) -> None:
    store_entry(KEY, b"compiled")
    old, new = folder / ".a.compiled", folder / ".b.compiled"
    for path, age in ((old, 3610), (new, 3590)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    store_entry({"n": 1}, b"x")
    assert not old.exists()
    assert new.exists()
    assert (folder / "other.txt").write_text("a letter")
    clear_cache()
    assert (folder / "other.txt").exists()


@pytest.mark.parametrize("mode", [0o606, 0o660, 0o622])
def test_what_others_may_write_is_not_read(folder: Path, mode: int) -> None:
    store_entry(KEY, b"compiled")
    (path,) = entries()
    path.chmod(mode)
    writable = bool(mode & 0o022)
    assert load_entry(KEY) == (None if writable else b"compiled")


@pytest.mark.parametrize(
    ("mode", "used"), [(0o777, False), (0o702, False), (0o770, True), (0o1777, True)]
)
def test_a_folder_that_all_may_write_is_used_only_if_it_is_sticky(
    folder: Path, mode: int, used: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    store_entry(KEY, b"compiled")
    folder.chmod(mode)
    assert load_entry(KEY) == (b"compiled" if used else None)
    store_entry({"n": 1}, b"x")
    assert len(entries()) == (2 if used else 1)
    assert ("others can write to the cache folder" in capsys.readouterr().err) == (not used)


@pytest.mark.parametrize("given", ["off", " OFF ", ""])
def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("EDGEECHO_CACHE", given)
    assert cache_folder() is None
    assert describe_folder() == "switched off"
    store_entry(KEY, b"compiled")
    assert (load_entry(KEY), entries()) == (None, {})


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEECHO_CACHE", str(tmp_path))
    assert (cache_folder(), describe_folder()) == (tmp_path, "$EDGEECHO_CACHE")
    monkeypatch.delenv("EDGEECHO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert (cache_folder(), describe_folder()) == (
        tmp_path / "edgeecho", "$XDG_CACHE_HOME/edgeecho",
    )  # fmt: skip
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(cache.sys, "platform", "linux")
    assert (cache_folder(), describe_folder()) == (
        tmp_path / ".cache" / "edgeecho", "~/.cache/edgeecho",
    )  # fmt: skip
    monkeypatch.setattr(cache.sys, "platform", "darwin")
    assert describe_folder() == "~/Library/Caches/edgeecho"


def test_a_disk_that_takes_nothing_costs_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.write_text("a file in its place")
    store_entry(KEY, b"compiled")
    store_entry(KEY, b"compiled")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("the compiled model is not kept for the next time (")
