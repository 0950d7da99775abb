"""Sealed lines: what is whole is read back, and what is not is said."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeecho.common.errors import OutputError
from edgeecho.common.journal import Journal
from edgeecho.common.seal import sealed

KEY = {"model": "a", "clips": 16}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "deep" / "a.jsonl", "answers", 2, "infer", "--resume")


def test_a_seal_is_the_hash_of_everything_else_whatever_its_order() -> None:
    expected = hashlib.sha256(b'{"a":[1,2],"b":{"c":null}}').hexdigest()
    assert sealed({"b": {"c": None}, "a": [1, 2]}) == {
        "b": {"c": None}, "a": [1, 2], "seal": expected,
    }  # fmt: skip
    assert sealed({"a": [1, 2], "seal": "old", "b": {"c": None}})["seal"] == expected
    assert sealed({"a": [1, 3], "b": {"c": None}})["seal"] != expected


def test_what_was_added_is_read_back_in_order(journal: Journal) -> None:
    assert journal.take_up(KEY) == []
    rows: list[dict[str, Any]] = [{"ef": 50.5}, {"ef": None, "seal": "not its own"}]
    for row in rows:
        journal.add(row)
    assert journal.take_up(KEY) == [{"ef": 50.5}, {"ef": None}]
    head, *others = map(json.loads, journal.path.read_text().splitlines())
    assert head == sealed({"answers": 2, "key": KEY})
    assert others[0] == sealed(rows[0])


def test_what_is_no_number_is_not_written(journal: Journal) -> None:
    journal.take_up(KEY)
    with pytest.raises(ValueError, match="not JSON compliant"):
        journal.add({"ef": float("nan")})
    assert journal.take_up(KEY) == []


def test_half_a_line_is_cut_off_and_what_follows_is_whole(journal: Journal) -> None:
    journal.take_up(KEY)
    journal.add({"ef": 1})
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + b'{"ef": 2')
    assert journal.take_up(KEY) == [{"ef": 1}]
    assert journal.path.read_bytes() == whole
    # A first line that a kill left incomplete is begun again.
    journal.path.write_bytes(whole[:9])
    assert journal.take_up(KEY) == []
    assert journal.take_up(KEY) == []


def test_another_runs_answers_are_not_mixed_in(journal: Journal) -> None:
    journal.take_up(KEY)
    with pytest.raises(OutputError, match=r"another run \(not the same model, clips\): choose"):
        journal.take_up({"model": "b", "clips": 4})
    with pytest.raises(OutputError, match=r"\(not the same engine\)"):
        journal.take_up({**KEY, "engine": "x"})
    assert journal.take_up({"model": "a"}) == [], "what is not asked for does not matter"


@pytest.mark.parametrize("version", [1, 3])
def test_another_version_or_kind_is_refused(journal: Journal, version: int) -> None:
    replace(journal, version=version).take_up(KEY)
    for other in (journal, replace(journal, version=version, kind="other")):
        with pytest.raises(OutputError, match="is damaged or no file of `infer`: remove it"):
            other.take_up(KEY)


def test_a_changed_line_is_damage(journal: Journal) -> None:
    journal.take_up(KEY)
    journal.add({"ef": 51.5})
    whole = journal.path.read_text()
    for changed in (whole.replace("51.5", "52.5"), "text\n" + whole, whole + "[]\n", "{}\n"):
        journal.path.write_text(changed)
        with pytest.raises(OutputError, match="choose another --resume"):
            journal.take_up(KEY)


def test_a_file_that_cannot_be_read_is_one_line(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.take_up(KEY)

    def fail(_: Path) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(OutputError, match="cannot be used: Input/output error"):
        journal.take_up(KEY)


def test_a_folder_in_its_place_is_one_line(journal: Journal) -> None:
    journal.path.mkdir(parents=True)
    with pytest.raises(OutputError, match="cannot be written"):
        journal.take_up(KEY)
