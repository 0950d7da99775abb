from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

BANNER = "Research use only, not for diagnosis."


@pytest.fixture
def video(phantoms: Path, tmp_path: Path) -> Path:
    first = sorted((phantoms / "Videos").iterdir())[0]
    return Path(shutil.copy(first, tmp_path / "clip.avi"))


@pytest.mark.slow
def test_one_video_as_text(edgeecho: Any, narrow_bundle: Path, video: Path) -> None:
    done = edgeecho("infer", video, "--model", narrow_bundle, "--clips", "stride:2")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("clip.avi  EF ")
    assert "4 clips, sd " in lines[0]
    assert "synthetic phantoms, never patients" in done.stdout
    assert "engine  openvino" in done.stdout
    assert lines[-1] == BANNER


@pytest.mark.slow
def test_json_is_one_document_and_nothing_else(
    edgeecho: Any, narrow_bundle: Path, video: Path
) -> None:
    done = edgeecho("infer", video, "--model", narrow_bundle, "--json", "--clips", "all")
    value = json.loads(done.stdout)
    (result,) = value["results"]
    assert value["research_use"] == BANNER
    assert result["file"] == "clip.avi"
    assert result["video"]["frames"] == 70
    assert len(result["clip_efs"]) == len(result["clip_starts"]) == 70 - 62
    assert result["ef"] == pytest.approx(sum(result["clip_efs"]) / 8)
    assert value["model"]["sha256"]
    assert value["engine"]["precision"] == "f32"
    assert str(video.parent) not in done.stdout + done.stderr


@pytest.mark.slow
def test_folders_and_bad_files_in_one_call(
    edgeecho: Any, narrow_bundle: Path, phantoms: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for path in sorted((phantoms / "Videos").iterdir())[:2]:
        shutil.copy(path, folder)
    (folder / "zz-broken.avi").write_text("text")
    table = tmp_path / "out" / "table.csv"
    done = edgeecho("infer", folder, "--model", narrow_bundle, "--csv", table)
    assert done.returncode == 3
    assert done.stdout.count("  EF ") == 2
    assert "zz-broken.avi" in done.stdout
    rows = list(csv.DictReader(table.open()))
    assert [bool(row["EF"]) for row in rows] == [True, True, False]
    assert "not a video" in rows[2]["Error"]
    assert all(row["Note"] == BANNER for row in rows)


def test_a_page_is_written_beside_the_text(
    edgeecho: Any, narrow_bundle: Path, video: Path, tmp_path: Path
) -> None:
    page = tmp_path / "out" / "report.html"
    done = edgeecho("infer", video, "--model", narrow_bundle, "--html", page)
    assert done.returncode == 0, done.stderr
    text = page.read_text()
    assert "clip.avi" in text
    assert "data:image/jpeg;base64," in text
    assert text.count(BANNER) >= 2
    assert [file.name for file in page.parent.iterdir()] == ["report.html"]


def test_a_page_of_a_file_without_an_answer_says_why(
    edgeecho: Any, narrow_bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty.avi").touch()
    page = tmp_path / "report.html"
    done = edgeecho("infer", tmp_path / "empty.avi", "--model", narrow_bundle, "--html", page)
    assert done.returncode == 3
    assert "empty.avi is empty (0 bytes)" in page.read_text()


def test_a_page_that_cannot_be_written_costs_no_answer(
    edgeecho: Any, narrow_bundle: Path, video: Path, tmp_path: Path
) -> None:
    done = edgeecho("infer", video, "--model", narrow_bundle, "--html", tmp_path)
    assert done.returncode == 2
    assert "  EF " in done.stdout
    assert done.stderr.count("\n") == 1


def test_frames_are_kept_for_a_page_and_for_nothing_else(
    edgeecho: Any, narrow_bundle: Path, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeecho.results.pictures import Pictures

    def must_not(*args: object) -> None:
        raise AssertionError("frames were encoded")

    monkeypatch.setattr(Pictures, "of", must_not)
    assert edgeecho("infer", video, "--model", narrow_bundle, "--json").returncode == 0


@pytest.mark.slow
def test_engines_give_the_same_number(edgeecho: Any, narrow_bundle: Path, video: Path) -> None:
    answers = []
    for engine in ("openvino", "onnxruntime"):
        done = edgeecho("infer", video, "--model", narrow_bundle, "--json", "--engine", engine)
        value = json.loads(done.stdout)
        assert value["engine"]["name"] == engine
        answers.append(value["results"][0]["ef"])
    assert abs(answers[0] - answers[1]) < 0.01


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("none.avi", None, 3, "none.avi: no such file"),
        ("text.avi", b"hello", 3, "text.avi is not a video"),
        ("empty.avi", b"", 3, "empty.avi is empty"),
    ],
)
def test_a_bad_video_is_one_line(
    edgeecho: Any,
    narrow_bundle: Path,
    tmp_path: Path,
    name: str,
    content: bytes | None,
    code: int,
    words: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = edgeecho("infer", tmp_path / name, "--model", narrow_bundle)
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith(f"edgeecho: {words}")
    assert done.stderr.count("\n") == 1


def test_a_bad_choice_is_one_line(
    edgeecho: Any, narrow_bundle: Path, tmp_path: Path, video: Path
) -> None:
    (tmp_path / "empty").mkdir()
    changed = Path(shutil.copytree(narrow_bundle, tmp_path / "changed"))
    with (changed / "fp32.onnx").open("ab") as stream:
        stream.write(b"!")
    for args, code, words in [
        ([tmp_path / "empty", "--model", narrow_bundle], 3, "holds no videos"),
        ([video, "--model", tmp_path / "nowhere"], 4, "no such model"),
        ([video, "--model", changed], 4, "was changed after export"),
        ([video, "--model", narrow_bundle, "--engine", "abacus"], 4, "'abacus' is not known"),
        ([video, "--model", narrow_bundle, "--precision", "fp8"], 4, "holds no fp8 model"),
        ([video, "--model", narrow_bundle, "--clips", "every"], 2, "stride:N"),
    ]:
        done = edgeecho("infer", *args)
        assert (done.returncode, done.stdout) == (code, ""), args
        assert words in done.stderr
        assert done.stderr.count("\n") == 1


def test_the_limits_that_help_shows_are_the_librarys() -> None:
    from inspect import signature

    from edgeecho.cine import DEFAULT_LIMITS
    from edgeecho.cli.commands.infer import infer
    from edgeecho.cli.commands.preview import preview

    for command in (infer, preview):
        shown = {name: p.default for name, p in signature(command).parameters.items()}
        assert shown["max_pixels"] == DEFAULT_LIMITS.pixels
        assert shown["max_frames"] == DEFAULT_LIMITS.frames
        assert shown["max_mb"] == DEFAULT_LIMITS.megabytes


@pytest.mark.slow
def test_a_wish_about_the_video_is_in_the_answer(
    edgeecho: Any, narrow_bundle: Path, video: Path
) -> None:
    done = edgeecho(
        "infer", video, "--model", narrow_bundle, "--json", "--fps", 25, "--time", "resample",
        "--crop", "6,6,100,100",
    )  # fmt: skip
    facts = json.loads(done.stdout)["results"][0]["video"]
    assert (facts["fps"], facts["fps_source"]) == (25.0, "--fps")
    assert facts["time"].startswith("resample(")
    assert (facts["area"], facts["square"]) == ("--crop", [6, 6, 100])


@pytest.mark.slow
def test_unknown_rate_where_it_matters_asks_for_it(
    edgeecho: Any, narrow_bundle: Path, tmp_path: Path
) -> None:
    from media import jpegs, write_avi

    path = write_avi(tmp_path / "a.avi", jpegs(), rate=0, scale=0, microseconds=0)
    done = edgeecho("infer", path, "--model", narrow_bundle, "--time", "resample")
    assert (done.returncode, done.stdout) == (3, "")
    assert "the file does not say its frame rate, and the video must be resampled" in done.stderr
    assert edgeecho("infer", path, "--model", narrow_bundle).returncode == 5


@pytest.mark.slow
def test_one_absurd_time_stamp_ends_no_batch(
    edgeecho: Any, narrow_bundle: Path, video: Path, tmp_path: Path
) -> None:
    from media import write_video

    times = [20 * i for i in range(99)] + [40_000_000]
    gap = write_video(tmp_path / "a.mkv", "libx264", "yuv420p", times_ms=times)
    done = edgeecho("infer", gap, video, "--model", narrow_bundle, "--time", "resample")
    assert done.returncode == 3
    assert done.stdout.count("  EF ") == 1
    assert "a.mkv     no answer: no frame for 39998.04 s after 1.96 s" in done.stdout


@pytest.mark.slow
def test_files_of_a_folder_that_are_passed_over_are_counted(
    edgeecho: Any, narrow_bundle: Path, video: Path
) -> None:
    shutil.copy(video, video.parent / "IM0001")
    (video.parent / "notes.txt").write_text("text")
    done = edgeecho("infer", video.parent, "--model", narrow_bundle, "--json")
    assert [r["file"] for r in json.loads(done.stdout)["results"]] == ["IM0001", "clip.avi"]
    assert done.stderr == "passed over: 1 other file\n"
    (video.parent / "empty").touch()
    done = edgeecho("infer", video.parent, "--model", narrow_bundle)
    assert done.stderr == "passed over: 2 other files\n"
