"""`infer` on files that a gate refuses: exit codes, and `--show-refused`."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeecho.inference import estimate_ready, read_ready
from edgeecho.trust import Refusal

REASON = Refusal("frozen", "all frames are one picture: record a moving one")


@pytest.fixture
def videos(phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`frozen.avi`, which is refused, `good.avi`, and `text.avi`, which is no video."""
    names = {}

    def read(path: Path, *args: Any, **options: Any) -> Any:
        ready = read_ready(path, *args, **options)
        names[ready] = path.name
        return ready

    def refuse_some(ready: Any, *args: Any, **options: Any) -> Any:
        answer = estimate_ready(ready, *args, **options)
        return replace(answer, refusals=(REASON,) if names[ready] == "frozen.avi" else ())

    monkeypatch.setattr("edgeecho.batch.task.read_ready", read)
    monkeypatch.setattr("edgeecho.batch.task.estimate_ready", refuse_some)
    first, second = sorted((phantoms / "Videos").iterdir())[:2]
    shutil.copy(first, tmp_path / "frozen.avi")
    shutil.copy(second, tmp_path / "good.avi")
    (tmp_path / "text.avi").write_text("text")
    return tmp_path


@pytest.mark.slow
def test_the_exit_code_says_that_a_gate_refused(
    edgeecho: Any, narrow_bundle: Path, videos: Path
) -> None:
    def code(*names: str) -> int:
        done = edgeecho("infer", *(videos / name for name in names), "--model", narrow_bundle)
        return int(done.returncode)

    assert code("good.avi") == 0
    assert code("frozen.avi") == 5
    assert code("good.avi", "frozen.avi") == 5
    assert code("frozen.avi", "text.avi") == 3
    assert code("text.avi", "frozen.avi", "good.avi") == 3


@pytest.mark.slow
def test_a_refused_file_has_reasons_and_no_number(
    edgeecho: Any, narrow_bundle: Path, videos: Path
) -> None:
    table, page = videos / "a.csv", videos / "a.html"
    words = ["infer", videos / "frozen.avi", "--model", narrow_bundle]
    done = edgeecho(*words, "--csv", table, "--html", page)
    assert (done.returncode, done.stderr) == (5, "")
    assert done.stdout.startswith(f"frozen.avi  refused: frozen: {REASON.reason}\n")
    assert not re.search(r"EF +\d", done.stdout)
    (row,) = csv.DictReader(table.open())
    assert (row["Status"], row["EF"], row["Refusals"]) == (
        "refused", "", f"frozen: {REASON.reason}",
    )  # fmt: skip
    assert 'class="ef"' not in page.read_text()
    (result,) = json.loads(edgeecho(*words, "--json").stdout)["results"]
    assert (result["status"], result["refusals"]) == ("refused", [vars(REASON)])
    assert "ef" not in result


@pytest.mark.slow
def test_its_number_is_shown_on_request_and_the_exit_code_stays(
    edgeecho: Any, narrow_bundle: Path, videos: Path
) -> None:
    table, page = videos / "a.csv", videos / "a.html"
    words = ["infer", videos / "frozen.avi", "--model", narrow_bundle, "--show-refused"]
    done = edgeecho(*words, "--json", "--csv", table, "--html", page)
    assert done.returncode == 5
    (result,) = json.loads(done.stdout)["results"]
    assert (result["status"], result["shown"]) == ("refused", "although refused")
    (row,) = csv.DictReader(table.open())
    assert (row["Status"], row["EF"]) == ("refused", f"{result['ef']:.2f}")
    assert f'<data value="{result["ef"]!r}">' in page.read_text()
    done = edgeecho(*words)
    assert done.returncode == 5
    assert f"shown although refused: EF {result['ef']:5.1f} %" in done.stdout


def test_help_tells_the_exit_codes(edgeecho: Any) -> None:
    shown = " ".join(edgeecho("infer", "--help").stdout.split())
    assert "5: at least one answer was refused" in shown
    assert "5 answered, but refused by a gate" in " ".join(edgeecho("--help").stdout.split())
