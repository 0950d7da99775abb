"""Results as CSV and text, and files of one name in all forms."""

from __future__ import annotations

import csv
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import media
import pytest

from edgeecho.cine import read_cine
from edgeecho.common.files import sha256_file
from edgeecho.preprocess.motion import find_motion
from edgeecho.report.table import CSV_COLUMNS

pytestmark = pytest.mark.slow


@pytest.fixture
def twins(tmp_path: Path) -> Path:
    """Two files of one name in folders that must not be named, and a third of another name."""
    for patient, first in (("Doe^Jane", 0), ("Roe^Richard", 10)):
        folder = tmp_path / "study" / patient
        folder.mkdir(parents=True)
        media.write_video(folder / "cine.avi", frames=media.phantom_frames()[first : first + 80])
    media.write_video(tmp_path / "study" / "other.avi")
    return tmp_path / "study"


def test_files_of_one_name_can_be_told_apart(edgeecho: Any, twins: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    done = edgeecho("infer", twins, "--clips", "center", "--json", "--csv", table)
    results = json.loads(done.stdout)["results"]
    assert [(r["number"], r["file"]) for r in results] == [
        (1, "cine.avi"), (2, "cine.avi"), (3, "other.avi"),
    ]  # fmt: skip
    files = [twins / "Doe^Jane" / "cine.avi", twins / "Roe^Richard" / "cine.avi"]
    assert [r["sha256"] for r in results[:2]] == [sha256_file(file) for file in files]
    rows = list(csv.DictReader(table.open()))
    assert [(row["Number"], row["FileName"], row["FileSHA256"]) for row in rows] == [
        (str(r["number"]), r["file"], r["sha256"]) for r in results
    ]
    assert "^" not in done.stdout + done.stderr + table.read_text()


def test_in_text_only_names_that_occur_twice_are_numbered(edgeecho: Any, twins: Path) -> None:
    lines = edgeecho("infer", twins, "--clips", "center").stdout.splitlines()
    names = [line.split("  EF")[0].rstrip() for line in lines if "  EF " in line]
    assert names == ["cine.avi #1", "cine.avi #2", "other.avi"]


def test_a_table_holds_what_was_done_to_each_video(edgeecho: Any, tmp_path: Path) -> None:
    good = media.write_video(tmp_path / "good.avi")
    cut = tmp_path / "cut.avi"
    cut.write_bytes(media.cut(90)(good.read_bytes()))
    bad = tmp_path / "bad.avi"
    bad.write_text("text")
    table = tmp_path / "table.csv"
    edgeecho("infer", good, cut, bad, "--csv", table)
    assert table.read_text().splitlines()[0] == ",".join(CSV_COLUMNS)
    first, second, third = csv.DictReader(table.open())
    assert (first["FPS"], first["Sector"], first["Time"]) == ("50.00", "whole", "native")
    rate = find_motion(read_cine(good).frames, 50).heart_rate_bpm
    assert rate is not None
    assert first["HeartRate"] == f"{rate:.2f}"
    assert first["BeatsPerClip"] == f"{63 / 50 * rate / 60:.2f}"
    assert (first["Damage"], first["Error"]) == ("", "")
    assert re.search(r"\b[89]\d decoded", second["Damage"])
    assert all(part in second["Warnings"] for part in second["Damage"].split("; "))
    assert [third[name] for name in ("EF", "Sector", "FileSHA256", "Damage")] == [""] * 4
    assert third["Error"]


def test_text_says_in_a_line_what_was_done(edgeecho: Any, tmp_path: Path) -> None:
    video = media.write_video(tmp_path / "a.avi")
    line = edgeecho("infer", video, "--clips", "center").stdout.splitlines()[1]
    said = r"50\.0 fps \(container\), native, clip 1\.3 s, 3\.\d beats \(1\d\d/min\), whole frame"
    assert re.fullmatch(f"    {said}", line)
    unknown = media.write_avi(tmp_path / "b.avi", media.jpegs(), rate=0, microseconds=0)
    lines = edgeecho("infer", unknown, "--clips", "center").stdout.splitlines()
    assert lines[0].startswith("b.avi  refused: unknown rate: ")
    assert lines[1] == "    frame rate unknown, native, whole frame"


def test_a_name_that_is_not_utf8_can_be_reported(edgeecho: Any, tmp_path: Path) -> None:
    good = media.write_video(tmp_path / "good.avi")
    odd = tmp_path / os.fsdecode(b"\xff.avi")
    odd.write_bytes(good.read_bytes())
    table, page = tmp_path / "table.csv", tmp_path / "page.html"
    done = edgeecho("infer", good, odd, "--clips", "center", "--json", "--csv", table,
                    "--html", page)  # fmt: skip
    assert done.returncode == 3
    assert json.loads(done.stdout)["results"][1]["file"] == "\\udcff.avi"
    assert "\\udcff.avi" in table.read_text()
    assert "\\udcff.avi" in page.read_text()


EVIL = "\x1b[31m=a\nb\x9bc\u202ed é\u2028.avi"
SHOWN = r"\x1b[31m=a\nb\x9bc\u202ed é\u2028.avi"


def test_names_reach_no_terminal_raw(edgeecho: Any, tmp_path: Path) -> None:
    good = media.write_video(tmp_path / "good.avi").rename(tmp_path / EVIL)
    (bad := tmp_path / f"x{EVIL}").write_text("text")
    table = tmp_path / "table.csv"
    done = edgeecho("infer", good, bad, "--clips", "center", "--csv", table)
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{SHOWN}   EF ")
    assert any(line.startswith(f"x{SHOWN}  no answer: x{SHOWN} is not a video") for line in lines)
    assert not re.search(r"[^\n -~é]", done.stdout)
    rows = list(csv.DictReader(table.open()))
    assert len(table.read_text().splitlines()) == 3
    assert [row["FileName"] for row in rows] == [SHOWN, f"x{SHOWN}"]
    assert rows[1]["Error"].startswith(f"x{SHOWN} is not")
    # Alone, on stderr.
    done = edgeecho("infer", bad)
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.stderr.startswith(f"edgeecho: x{SHOWN} is not")


@pytest.mark.parametrize("sign", "=+-@＝＋－＠")
def test_a_name_is_no_formula_in_a_table(edgeecho: Any, tmp_path: Path, sign: str) -> None:
    (tmp_path / f"{sign}1+1.avi").write_text("text")
    table = tmp_path / "table.csv"
    edgeecho("infer", tmp_path, "--csv", table)
    (row,) = csv.DictReader(table.open())
    assert row["FileName"] == f"'{sign}1+1.avi"
    assert row["Error"].startswith(f"'{sign}1+1.avi is not a video")


def test_numbers_stay_numbers_in_a_table(tmp_path: Path) -> None:
    from edgeecho.inference import estimate_file, load_model
    from edgeecho.report.table import to_csv
    from edgeecho.results import Answer, Outcome

    model = load_model()
    answer = estimate_file(media.write_video(tmp_path / "a.avi"), model, clips="center")
    named = replace(model.file, name="=cmd", version="-1")
    odd = replace(answer, ef=-3.5, clip_efs=(-3.5,), model=named)
    (row,) = csv.DictReader(to_csv([Outcome("a.avi", Answer.of(odd))]).splitlines())
    assert (row["EF"], row["Min"]) == ("-3.50", "-3.50")
    assert (row["Model"], row["ModelVersion"]) == ("'=cmd", "'-1")
