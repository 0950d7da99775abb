"""Compiled models that are kept: never another number, never an error, never anybody's data."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest

from edgeecho.bundle import open_model
from edgeecho.common import cache
from edgeecho.engines import load_engine

pytestmark = pytest.mark.slow

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"
CLIPS = np.random.default_rng(0).standard_normal((1, 3, 32, 112, 112), np.float32)
KEY = {"artefact": "abc"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache's, not made yet."""
    cache.say.cache_clear()
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One item for each time that OpenVINO compiles."""
    calls: list[object] = []
    real = openvino.Core.compile_model

    def compile_model(self: Any, *arguments: Any) -> Any:
        calls.append(arguments)
        return real(self, *arguments)

    monkeypatch.setattr(openvino.Core, "compile_model", compile_model)
    return calls


def answer(threads: int = 0) -> bytes:
    engine = load_engine("openvino", open_model(NARROW), threads=threads, cached=True)
    assert engine.facts.threads == threads or not threads
    found = engine.run(CLIPS)
    return found.ef.tobytes() + found.embedding.tobytes()


def test_the_second_process_compiles_nothing_and_answers_bit_for_bit(
    folder: Path, compiled: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for threads in (0, 1):
        monkeypatch.setenv(cache.VARIABLE, "off")
        without = answer(threads)
        monkeypatch.setenv(cache.VARIABLE, str(folder))
        compiled.clear()
        assert answer(threads) == without
        assert len(compiled) == 1
        assert answer(threads) == without
        assert len(compiled) == 1
    assert len(cache.entries()) == 2
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("value", ["", "off", "OFF"])
def test_switched_off(
    value: str, tmp_path: Path, compiled: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.VARIABLE, value)
    monkeypatch.chdir(tmp_path)
    assert answer() == answer()
    assert len(compiled) == 2
    assert list(tmp_path.iterdir()) == []
    assert cache.describe_folder() == "switched off"


def test_what_is_not_asked_to_be_kept_is_not(folder: Path) -> None:
    load_engine("openvino", open_model(NARROW))
    assert not folder.exists()


def damage(entry: Path, kind: str) -> None:
    content = bytearray(entry.read_bytes())
    head = content.index(b"\n") + 1
    if kind == "a weight":
        content[head + len(content[head:]) // 2] ^= 64
    elif kind == "cut short":
        del content[-1000:]
    elif kind == "another key":  # as if it had been renamed
        content[:head] = content[:head].replace(b'"cores": ', b'"cores": 9')
    elif kind == "another kind":
        content = bytearray(os.urandom(5000))
    else:
        content = bytearray()
    entry.write_bytes(content)


@pytest.mark.parametrize("kind", ["a weight", "cut short", "another key", "another kind", "empty"])
def test_a_damaged_or_foreign_entry_is_made_anew_and_said_once(
    kind: str, compiled: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = answer()
    (entry,) = cache.entries()
    for number in (2, 3):
        damage(entry, kind)
        assert answer() == whole
        assert answer() == whole
        assert len(compiled) == number
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "a compiled model in the cache is damaged or not ours: it is compiled anew\n"


def test_a_blob_that_openvino_refuses_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, compiled: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    real = cache.load_entry
    whole = answer()
    monkeypatch.setattr(
        "edgeecho.engines.openvino.engine.load_entry", lambda key: (real(key) or b"")[:5000]
    )
    assert answer() == whole
    assert len(compiled) == 2
    assert "OpenVINO does not take the compiled model" in capsys.readouterr().err


@pytest.mark.parametrize("obstacle", ["a file", "read-only", "full"])
def test_a_cache_that_cannot_be_written_is_no_error(
    obstacle: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if obstacle == "a file":
        folder.write_text("text")
    elif obstacle == "read-only":
        if not os.getuid():
            # Nothing is read-only to root but what the kernel itself keeps so.
            monkeypatch.setenv(cache.VARIABLE, "/proc/edgeecho")
        else:
            folder.mkdir(mode=0o500)
    else:
        folder.mkdir()

        def full(*arguments: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
    assert answer() == answer()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("the compiled model is not kept for the next time (")
    assert not folder.is_dir() or list(folder.iterdir()) == []


def test_an_entry_of_another_user_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.store_entry(KEY, b"blob")
    assert cache.load_entry(KEY) == b"blob"
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    assert cache.load_entry(KEY) is None


posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has no mode bits")
NOT_OURS = "a compiled model in the cache is damaged or not ours: it is compiled anew\n"


@posix
def test_whatever_the_umask_nobody_else_writes_an_entry(folder: Path) -> None:
    # The umask is read once, at the start of a process.
    code = """
        import os; os.umask(0)
        from edgeecho.common import cache
        cache.store_entry({"artefact": "abc"}, b"blob")
        """
    folder.mkdir()
    folder.chmod(0o1777)
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
    (entry,) = cache.entries()
    assert entry.stat().st_mode & 0o777 == 0o600
    assert cache.load_entry(KEY) == b"blob"


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_entry_that_others_can_write_is_not_run(
    mode: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.store_entry(KEY, b"blob")
    (entry,) = cache.entries()
    entry.chmod(mode)
    assert cache.load_entry(KEY) is None
    assert capsys.readouterr().err == NOT_OURS
    cache.store_entry(KEY, b"blob")
    assert cache.load_entry(KEY) == b"blob"
    assert entry.stat().st_mode & 0o777 == 0o600


@posix
@pytest.mark.parametrize("kind", ["a link", "a dangling link", "a pipe"])
def test_an_entry_that_is_no_file_of_its_own_is_not_run(
    kind: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.store_entry(KEY, b"blob")
    (entry,) = cache.entries()
    elsewhere = entry.rename(tmp_path / "elsewhere")
    if kind == "a dangling link":
        elsewhere.unlink()
    if kind == "a pipe":
        os.mkfifo(entry, 0o600)
    else:
        entry.symlink_to(elsewhere)
    assert cache.load_entry(KEY) is None
    assert capsys.readouterr().err == NOT_OURS
    cache.store_entry(KEY, b"new")
    if kind == "a pipe":
        assert "is not kept" in capsys.readouterr().err
        return
    assert cache.load_entry(KEY) == b"new"
    assert not entry.is_symlink()
    assert not elsewhere.exists() or elsewhere.read_bytes().endswith(b"blob")


@posix
def test_a_folder_that_others_can_write_is_not_used_unless_it_is_sticky_and_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.store_entry(KEY, b"blob")
    folder.chmod(0o777)
    assert cache.load_entry(KEY) is None
    cache.store_entry({"artefact": "other"}, b"blob")
    assert len(cache.entries()) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "others can write to the cache folder" in said
    assert str(folder) not in said
    folder.chmod(0o1777)
    assert cache.load_entry(KEY) == b"blob"
    real = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: real + 1)
    assert cache.load_entry(KEY) is None


def test_a_head_that_nests_without_end_is_made_anew(capsys: pytest.CaptureFixture[str]) -> None:
    cache.store_entry(KEY, b"blob")
    (entry,) = cache.entries()
    entry.write_bytes(b"[" * 60_000 + b"\nblob")
    assert cache.load_entry(KEY) is None
    assert capsys.readouterr().err == NOT_OURS


def test_what_was_not_used_for_longest_goes_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "LIMIT_BYTES", 3500)
    for number in range(3):
        cache.store_entry({"n": number}, bytes(1000))
        (newest,) = [p for p in folder.iterdir() if p.stat().st_mtime > time.time() - 50]
        os.utime(newest, (time.time() - 100 + number,) * 2)
    (folder / ".killed-x.tmp.compiled").write_bytes(bytes(1000))
    os.utime(folder / ".killed-x.tmp.compiled", (0, 0))
    (folder / "of-somebody-else.txt").write_text("stays")
    assert cache.load_entry({"n": 0})  # used now
    cache.store_entry({"n": 3}, bytes(1000))
    kept = [cache.load_entry({"n": n}) is not None for n in range(4)]
    assert kept == [True, False, True, True]
    assert len(list(folder.iterdir())) == 4
    cache.store_entry({"n": 4}, bytes(4000))
    assert cache.load_entry({"n": 4}) is None
    assert cache.clear_cache() == 3
    assert [p.name for p in folder.iterdir()] == ["of-somebody-else.txt"]


def test_no_path_and_no_name_is_in_it(folder: Path) -> None:
    answer()
    (entry,) = cache.entries()
    content = entry.read_bytes()
    for private in (str(NARROW), str(folder), str(Path.home()) + "/", "fp32.onnx", "models/"):
        assert private.encode() not in content


def test_doctor_says_where_and_how_much_and_clears_it(
    edgeecho: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache.store_entry(KEY, bytes(2_000_000))
    said = " ".join(edgeecho("doctor").stdout.split())
    assert "compiled models 1 in $EDGEECHO_CACHE, 2 MB of at most 1000 MB" in said
    done = edgeecho("doctor", "--clear-cache")
    assert done.stderr == "1 compiled models removed\n"
    assert "0 in $EDGEECHO_CACHE, 0 MB" in " ".join(done.stdout.split())
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / "edgeecho"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert str(Path.home()) not in cache.describe_folder()
