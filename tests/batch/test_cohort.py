"""A cohort's table: each file once, with the numbers of `infer`, whatever changes or fails."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from crashing import CrashingTask, SickEngineTask
from tabled import PHANTOMS, fill, many, rows_of

from edgeecho import RESEARCH_USE
from edgeecho.batch import Task
from edgeecho.common.errors import EngineError

pytestmark = pytest.mark.slow

CSV = ("--format", "csv", "--workers", 1)
"""One process is started faster than two."""


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """All phantoms in a folder that names a patient, one of them twice, and what is no video."""
    folder = tmp_path / "doe-jane"
    folder.mkdir()
    for number, file in enumerate([*PHANTOMS, PHANTOMS[0]]):
        shutil.copy(file, folder / f"v{number}.avi")
    (folder / "none.avi").write_text("text")
    return folder


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_row_a_file_with_the_numbers_of_infer(
    edgeecho: Any, videos: Path, tmp_path: Path, form: str
) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    done = edgeecho("cohort", videos, "--out", tmp_path / "t", "--format", form, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("7 files: 6 answered, 0 refused, 1 that could not be used\n")
    assert "6 of them computed in this call" in done.stdout
    assert done.stdout.endswith(f"{RESEARCH_USE}\n")
    expected = json.loads(edgeecho("infer", videos, "--json").stdout)["results"]
    rows = rows_of(tmp_path / "t")
    assert len(rows) == len(expected) == 7
    for row, result in zip(rows, expected, strict=True):
        assert (row["FileName"], row["Number"]) == (result["file"], result["number"])
        assert (row["Status"], row["Note"]) == (result["status"], RESEARCH_USE)
        if result["status"] == "error":
            assert (row["Error"], row["ExitCode"]) == (result["error"], 3)
            assert row["FileSHA256"]
            continue
        assert row["EF"] == result["ef"]
        kept = json.loads(row["Result"])
        for name in ("sha256", "clip_efs", "sd", "video", "warnings", "refusals", "beats"):
            assert kept[name] == result[name]
        assert row["EngineMs"] == kept["timings_ms"]["engine"] > 0
        assert row["FileSHA256"] == result["sha256"]


def test_refused_files_have_reasons_and_no_number(edgeecho: Any, tmp_path: Path) -> None:
    from media import phantom_frames, write_video

    folder = tmp_path / "videos"
    folder.mkdir()
    write_video(folder / "still.avi", frames=phantom_frames()[:1].repeat(80, axis=0))
    done = edgeecho("cohort", folder, "--out", tmp_path / "t", *CSV)
    assert (done.returncode, "1 refused" in done.stdout) == (0, True)
    (row,) = rows_of(tmp_path / "t")
    assert row["Status"] == "refused"
    assert row["Refusals"]
    for name in ("EF", "SD", "Min", "Max", "IntervalLow", "PAtMost40"):
        assert row[name] is None
    assert "ef" not in json.loads(row["Result"])


def test_the_same_command_again_computes_nothing(
    edgeecho: Any, videos: Path, tmp_path: Path
) -> None:
    words = ["cohort", videos, "--out", tmp_path / "t", *CSV]
    edgeecho(*words)
    before = {path: path.read_bytes() for path in (tmp_path / "t").iterdir()}
    again = edgeecho(*words, "--csv", tmp_path / "all.csv")
    assert "0 of them computed in this call" in again.stdout
    assert {path: path.read_bytes() for path in (tmp_path / "t").iterdir()} == before
    with (tmp_path / "all.csv").open(newline="") as stream:
        joined = list(csv.DictReader(stream))
    assert [row["Number"] for row in joined] == [str(n) for n in range(1, 8)]
    assert float(joined[1]["EF"]) == rows_of(tmp_path / "t")[1]["EF"]


def test_files_that_are_renamed_changed_added_or_gone(
    edgeecho: Any, videos: Path, tmp_path: Path
) -> None:
    words = ["cohort", videos, "--out", tmp_path / "t", *CSV]
    edgeecho(*words)
    efs = {row["FileSHA256"]: row["EF"] for row in rows_of(tmp_path / "t")}
    (videos / "v2.avi").rename(videos / "a.avi")
    (videos / "v3.avi").unlink()
    (videos / "v4.avi").write_bytes(PHANTOMS[4].read_bytes() + b"\0")
    done = edgeecho(*words)
    assert "1 of them computed in this call" in done.stdout
    rows = rows_of(tmp_path / "t")
    names = [row["FileName"] for row in rows]
    assert names == ["a.avi", "none.avi", "v0.avi", "v1.avi", "v4.avi", "v5.avi"]
    assert [row["Number"] for row in rows] == [1, 2, 3, 4, 5, 6]
    for row in rows:
        assert efs.get(row["FileSHA256"], row["EF"]) == row["EF"]
    # What is not in the source any more is kept beside the table.
    (videos / "v3.avi").write_bytes(PHANTOMS[3].read_bytes())
    assert "0 of them computed in this call" in edgeecho(*words).stdout
    assert len(rows_of(tmp_path / "t")) == 7


def test_files_that_could_not_be_used_are_tried_again_when_asked(
    edgeecho: Any, tmp_path: Path
) -> None:
    folder = many(tmp_path / "videos", 3)
    command = ["cohort", folder, "--out", tmp_path / "t", *CSV]
    done = edgeecho(*command, "--max-frames", 60)
    assert done.stdout.startswith("3 files: 0 answered, 0 refused, 3 that could not be used")
    assert "0 of them computed" in edgeecho(*command).stdout
    done = edgeecho(*command, "--retry")
    assert "3 of them computed" in done.stdout
    assert "0 that could not be used" in done.stdout
    assert "0 of them computed" in edgeecho(*command).stdout


def test_no_path_is_kept_unless_asked_for(edgeecho: Any, videos: Path, tmp_path: Path) -> None:
    edgeecho("cohort", videos, "--out", tmp_path / "t", *CSV)
    for file in (tmp_path / "t").iterdir():
        assert "doe-jane" not in file.read_text()
    edgeecho("cohort", videos, "--out", tmp_path / "p", *CSV, "--paths")
    paths = [row["Path"] for row in rows_of(tmp_path / "p")]
    assert paths == list(map(str, sorted(videos.iterdir())))


def test_files_that_end_their_process_are_rows(tmp_path: Path) -> None:
    folder = many(tmp_path / "videos", 4)
    for name in ("always", "once"):
        (folder / f"{name}.avi").write_bytes(PHANTOMS[1].read_bytes() + name.encode())
    tally, rows = fill(CrashingTask, folder, tmp_path / "t")
    status = {row["FileName"]: row["Status"] for row in rows}
    assert [name for name, one in status.items() if one == "error"] == ["always.avi"]
    assert len(rows) == 6
    assert "was ended (SIGKILL), 2 times" in rows[0]["Error"]
    assert tally.answered_now == 6
    again, same = fill(CrashingTask, folder, tmp_path / "t")
    assert (again.answered_now, same) == (0, rows)


def test_an_engine_that_fails_ends_it_and_its_files_are_tried_again(tmp_path: Path) -> None:
    folder = many(tmp_path / "videos", 40)
    with pytest.raises(EngineError, match="16 files in a row have no answer, the last: CUDA"):
        fill(SickEngineTask, folder, tmp_path / "t")
    tally, rows = fill(Task, folder, tmp_path / "t")
    assert len(rows) == tally.files == 40
    assert "error" not in {row["Status"] for row in rows}
    assert 38 <= tally.answered_now <= 40


def test_what_could_not_be_read_is_tried_again(edgeecho: Any, tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    folder = tmp_path / "list"
    folder.mkdir()
    shutil.copy(PHANTOMS[0], folder / "here.avi")
    listed = folder / "list.csv"
    urls = [f"{folder.as_uri()}/{name}.avi" for name in ("here", "later on")]
    listed.write_text("id,path\n1,here.avi\n2,later.avi\n" + "".join(f"3,{u}\n" for u in urls))
    words = ["cohort", listed, "--out", tmp_path / "t", *CSV]
    done = edgeecho(*words)
    assert done.stdout.startswith("4 files: 2 answered, 0 refused, 2 that could not be used")
    rows = rows_of(tmp_path / "t")
    names = ["here.avi", "later.avi", "here.avi", "later on.avi"]
    assert [row["FileName"] for row in rows] == names
    assert rows[0]["EF"] == rows[2]["EF"]
    assert "cannot be fetched (FileNotFoundError)" in rows[3]["Error"]
    assert not (tmp_path / "t" / "_fetched").exists()
    shutil.copy(PHANTOMS[1], folder / "later.avi")
    shutil.copy(PHANTOMS[2], folder / "later on.avi")
    done = edgeecho(*words)
    assert done.stdout.startswith("4 files: 4 answered")
    assert "2 of them computed in this call" in done.stdout
    assert not list((tmp_path / "t" / "_known").iterdir())


def test_a_data_set_and_a_parquet_list(edgeecho: Any, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    data = pytest.importorskip("pyarrow.dataset")
    done = edgeecho("cohort", PHANTOMS[0].parents[1], "--out", tmp_path / "t", "--workers", 1)
    assert done.stdout.startswith("5 files: 5 answered"), done.stderr
    read = data.dataset(tmp_path / "t").to_table()
    assert sorted(read["FileName"].to_pylist()) == [file.name for file in PHANTOMS]
    assert read.schema.field("EF").type == pa.float64()
    assert read.schema.metadata[b"research_use"].decode() == RESEARCH_USE
    import pyarrow.parquet as pq

    listed = tmp_path / "list.parquet"
    pq.write_table(pa.table({"path": list(map(str, PHANTOMS))}), listed)
    assert "0 of them computed" in edgeecho("cohort", listed, "--out", tmp_path / "t").stdout


def test_answers_of_another_run_are_not_mixed(edgeecho: Any, videos: Path, tmp_path: Path) -> None:
    command = ["cohort", videos, "--out", tmp_path / "t", *CSV]
    edgeecho(*command)
    before = rows_of(tmp_path / "t")
    for more, differs in (
        (["--clips", "one"], "clips"),
        (["--fps", "30"], "fps"),
        (["--no-crop"], "handling"),
        (["--paths"], "paths"),
    ):
        done = edgeecho(*command, *more)
        assert done.returncode == 2
        assert f"answers of another run (not the same {differs}" in done.stderr
    assert rows_of(tmp_path / "t") == before


def test_another_engine_is_refused_before_its_answer_is_added(
    edgeecho: Any, videos: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    command = ["cohort", videos, "--out", tmp_path / "t", *CSV]
    edgeecho(*command, "--engine", "openvino")
    before = rows_of(tmp_path / "t")
    (videos / "z.avi").write_bytes(PHANTOMS[0].read_bytes() + b"\0")
    done = edgeecho(*command, "--engine", "onnxruntime")
    assert (done.returncode, "holds answers of openvino" in done.stderr) == (2, True)
    assert rows_of(tmp_path / "t") == before


def test_a_table_that_is_changed_in_use_or_none_is_refused(
    edgeecho: Any, videos: Path, tmp_path: Path
) -> None:
    import fcntl

    table = tmp_path / "t"
    command = ["cohort", videos, "--out", table, *CSV]
    edgeecho(*command)
    with (table / "_lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = edgeecho(*command)
    assert (done.returncode, "being written by another process" in done.stderr) == (2, True)
    (part,) = table.glob("part-*")
    part.write_text(part.read_text().replace(",answered,", ",refused,", 1))
    done = edgeecho(*command)
    assert (done.returncode, "is damaged or was changed: remove it" in done.stderr) == (2, True)
    part.unlink()
    assert "6 of them computed" in edgeecho(*command).stdout
    done = edgeecho("cohort", videos, "--out", videos, *CSV)
    assert (done.returncode, "holds something else" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        ("file\nx.avi\n", 3, "has no column 'path', only file"),
        ("path\n", 3, "lists no files"),
        ("id,path\n1,\n", 3, "row 1: path is no path"),
        ("path\nnone9://x/y.avi\n", 4, "cannot be fetched here"),
    ],
)
def test_a_list_that_is_none_is_one_line(
    edgeecho: Any, tmp_path: Path, content: str, code: int, words: str
) -> None:
    (tmp_path / "list.csv").write_text(content)
    done = edgeecho("cohort", tmp_path / "list.csv", "--out", tmp_path / "t", *CSV)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "t").exists()


def test_bad_choices_are_one_line(
    edgeecho: Any, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["cohort", videos, "--out", tmp_path / "t"]
    for more, words in (
        (["--format", "xlsx"], "choose parquet or csv"),
        ([*CSV, "--threads", 2], "leave --threads out"),
        ([*CSV, "--csv", videos / "v0.avi"], "one of the files to be read"),
    ):
        done = edgeecho(*command, *more)
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = edgeecho(*command)
    assert (done.returncode, "pip install 'edgeecho[cohort]'" in done.stderr) == (4, True)
    assert not (tmp_path / "t").exists()


def test_a_table_without_a_usable_file_is_exit_code_3(edgeecho: Any, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "x.avi").write_text("text")
    done = edgeecho("cohort", folder, "--out", tmp_path / "t", *CSV)
    assert done.returncode == 3
    assert done.stdout.startswith("1 file: 0 answered, 0 refused, 1 that could not be used")
