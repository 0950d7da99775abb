from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edgeecho.errors import UsageError
from edgeecho.files import atomic_folder, atomic_path, write_json


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "sub" / "a.json"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.suffix == ".json"
    assert target.read_text() == "half"
    assert os.listdir(target.parent) == ["a.json"]


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


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    with pytest.raises(RuntimeError), atomic_folder(target) as temporary:
        (temporary / "a").write_text("1")
        raise RuntimeError
    assert os.listdir(tmp_path) == []
    with atomic_folder(target) as temporary:
        (temporary / "a").write_text("1")
    assert os.listdir(tmp_path) == ["bundle"]


def test_an_existing_folder_is_replaced_only_when_asked(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "old").write_text("1")
    with pytest.raises(UsageError, match="--overwrite"), atomic_folder(target):
        pytest.fail("the block must not run")
    with atomic_folder(target, overwrite=True) as temporary:
        (temporary / "new").write_text("1")
        assert (target / "old").exists()
    assert os.listdir(target) == ["new"]
    assert os.listdir(tmp_path) == ["bundle"]


def test_a_file_in_the_folders_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bundle").write_text("1")
    with pytest.raises(UsageError, match="not a folder"), atomic_folder(tmp_path / "bundle"):
        pytest.fail("the block must not run")
