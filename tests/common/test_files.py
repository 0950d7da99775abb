from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest
from flushed import spy_on_the_disk

from edgeecho.common import files
from edgeecho.common.errors import OutputError, UsageError
from edgeecho.common.files import (
    append_line,
    atomic_folder,
    atomic_path,
    flush,
    looks_like_safetensors,
    parse_json,
    sha256_file,
    write_json,
    write_text,
)


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "sub" / "a.json"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.suffix == ".json"
    assert target.read_text() == "half"
    assert os.listdir(target.parent) == ["a.json"]


def test_a_file_is_on_the_disk_before_it_has_its_name_and_then_so_is_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a power cut could leave an empty file in place of the old one."""
    target = tmp_path / "a.txt"
    target.write_text("old")
    seen = spy_on_the_disk(monkeypatch)
    write_text(target, "new")
    assert seen == [b"new", target, ["a.txt"]]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_no_file_stays_open(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    write_text(tmp_path / "a", "text")
    flush(tmp_path / "a")
    flush(tmp_path)
    assert os.listdir("/proc/self/fd") == before


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("new")
        raise RuntimeError
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_published_file_is_readable_by_others(tmp_path: Path) -> None:
    os.umask(0o022)
    write_json(tmp_path / "a.json", {"a": [1, 2]})
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o644
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1, 2]}


def test_a_file_is_published_with_the_mode_that_was_asked_for(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a", mode=0o600) as temporary:
        temporary.write_text("1")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    write_text(tmp_path / "a", "2")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "text",
    [b"{", b"\xff\xfe", b"[" * 200_000, b'{"a":' * 200_000, b"1" * 5000, b"[" * 65 + b"]" * 65],
)
def test_what_is_no_json_or_too_deep_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|decode|nests|Exceeds"):
        parse_json(text)
    assert parse_json(b"[" * 64 + b"]" * 64)


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    with pytest.raises(RuntimeError), atomic_folder(target, marker="a") as temporary:
        (temporary / "a").write_text("1")
        raise RuntimeError
    assert os.listdir(tmp_path) == []
    with atomic_folder(target, marker="a") as temporary:
        (temporary / "a").write_text("1")
    assert os.listdir(tmp_path) == ["bundle"]


@pytest.mark.parametrize(("umask", "mode"), [(0o027, 0o750), (0o022, 0o755), (0, 0o777)])
def test_a_published_folder_has_the_mode_that_the_users_umask_gives(
    umask: int, mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_UMASK", umask)
    with atomic_folder(tmp_path / "bundle", marker="a") as temporary:
        (temporary / "a").write_text("1")
    assert (tmp_path / "bundle").stat().st_mode & 0o777 == mode


def test_an_existing_folder_is_replaced_only_when_asked(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "marker").write_text("1")
    with pytest.raises(UsageError, match="--overwrite"), atomic_folder(target, marker="marker"):
        pytest.fail("the block must not run")
    with atomic_folder(target, marker="marker", overwrite=True) as temporary:
        (temporary / "new").write_text("1")
        assert (target / "marker").exists()
    assert os.listdir(target) == ["new"]
    assert os.listdir(tmp_path) == ["bundle"]


def test_a_folder_that_cannot_be_replaced_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "marker").write_text("old")
    replace = Path.replace

    def full_for_the_new_one(path: Path, to: Path) -> Path:
        if path.suffix == ".tmp":
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(path, to)

    monkeypatch.setattr(Path, "replace", full_for_the_new_one)
    with (
        pytest.raises(OutputError, match="No space left on device"),
        atomic_folder(target, marker="marker", overwrite=True) as temporary,
    ):
        (temporary / "marker").write_text("new")
    assert (target / "marker").read_text() == "old"
    assert os.listdir(tmp_path) == ["bundle"]


def test_a_folder_of_another_kind_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("1")
    with (
        pytest.raises(UsageError, match="holds something else"),
        atomic_folder(tmp_path, marker="manifest.json", overwrite=True),
    ):
        pytest.fail("the block must not run")
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_file_in_the_folders_place_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "bundle"
    file.write_text("1")
    with pytest.raises(UsageError, match="not a folder"), atomic_folder(file, marker="a"):
        pytest.fail("the block must not run")


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    os.mkfifo(tmp_path / "pipe")
    for target, words in [
        (tmp_path, "not a regular file"),
        (tmp_path / "pipe", "not a regular file"),
        (tmp_path / "file" / "a.csv", "cannot be written: "),
        (tmp_path / ("x" * 300), "cannot be written: File name too long"),
    ]:
        with pytest.raises(OutputError, match=words) as caught:
            write_text(target, "1")
        assert "\n" not in str(caught.value)
    assert (tmp_path / "pipe").is_fifo()


def test_a_full_disk_is_one_line_and_another_error_keeps_its_traceback(tmp_path: Path) -> None:
    for code, kind in [(errno.ENOSPC, OutputError), (errno.EPIPE, OSError)]:
        with pytest.raises(kind), atomic_path(tmp_path / "a"):
            raise OSError(code, os.strerror(code))
    assert os.listdir(tmp_path) == []


def test_a_document_keeps_its_letters_and_has_only_numbers(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"ä": [1]})
    assert (tmp_path / "a").read_text(encoding="utf-8") == '{\n  "ä": [\n    1\n  ]\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a", float("nan"))


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_json_is_parsed_down_to_64_levels() -> None:
    assert parse_json(nested(64)) is not None
    with pytest.raises(ValueError, match="it nests too deeply"):
        parse_json(nested(65))
    assert parse_json('{"a": {"b": [1, "c"]}}') == {"a": {"b": [1, "c"]}}
    with pytest.raises(ValueError, match="it nests too deeply"):
        parse_json('{"a":' * 65 + "1" + "}" * 65)


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        ((100_000_000).to_bytes(8, "little") + b"{", True),
        ((100_000_001).to_bytes(8, "little") + b"{", False),
        ((2).to_bytes(8, "little") + b"[", False),
        ((2).to_bytes(8, "little"), False),
        (b"", False),
    ],
)
def test_safetensors_begin_with_the_length_of_a_header_of_100_mb_at_most(
    head: bytes, is_one: bool
) -> None:
    assert looks_like_safetensors(head) == is_one


def test_a_hash_is_that_of_all_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000  # more than one block of a MiB
    (tmp_path / "a").write_bytes(content)
    assert sha256_file(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_lines_are_added_at_the_end(tmp_path: Path) -> None:
    append_line(tmp_path / "a", "one")
    append_line(tmp_path / "a", "zwei ä")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "one\nzwei ä\n"
