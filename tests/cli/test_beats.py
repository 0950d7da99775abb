"""`--beats` and `--beats-csv`: from the option through every way of running to what is written."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from dicoms import write_dicom
from pydicom import Dataset
from tabled import rows_of

pytest.importorskip("onnx")
from bright import bright_bundle, bright_video

from edgeecho.cine import read_cine


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bright_bundle(tmp_path_factory.mktemp("bright") / "bundle")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bright_video(tmp_path_factory.mktemp("video") / "a.avi")


def beats(stdout: str) -> list[Any]:
    return [result["beats"] for result in json.loads(stdout)["results"]]


def test_beats_are_found_if_the_model_has_a_segmentation(
    edgeecho: Any, bundle: Path, video: Path, tmp_path: Path
) -> None:
    table = tmp_path / "beats.csv"
    words = ["infer", video, "--clips", "all", "--show-refused", "--model", bundle]
    done = edgeecho(*words, "--json", "--beats-csv", table)
    document = json.loads(done.stdout)
    (found,) = beats(done.stdout)
    assert document["segmentation"]["architecture"] == "brightness"
    assert (found["rule"], found["used"]) == ("default", 4)
    # Half widths of 20 and 12 pixels: 1 - (12 / 20)^2.
    assert found["mean_ef"] == pytest.approx(64, abs=2)
    assert found["rr_ms"] == pytest.approx(800, abs=25)
    # The clip of the last beat would need frames beyond the end.
    known = [row["network_ef"] is not None for row in found["table"]]
    assert known == [True, True, True, False]
    assert document["results"][0]["timings_ms"]["masks"] > 0
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["Beat"] for row in rows] == [str(row["number"]) for row in found["table"]]
    assert [row["ESFrame"] for row in rows if row["Used"] == "yes"] == [
        str(row["es"]["frame"]) for row in found["table"] if row["used"]
    ]


@pytest.mark.parametrize(("rule", "used"), [("published", 4), ("none", None)])
def test_another_rule_or_none(
    edgeecho: Any, bundle: Path, video: Path, rule: str, used: int | None
) -> None:
    words = ["infer", video, "--clips", "center", "--show-refused", "--model", bundle, "--json"]
    (found,) = beats(edgeecho(*words, "--beats", rule).stdout)
    assert found is None if used is None else (found["rule"], found["used"]) == (rule, used)


@pytest.mark.parametrize("rule", ["default", "published"])
def test_asked_of_a_model_that_cannot_find_them_it_is_an_error(
    edgeecho: Any, video: Path, rule: str
) -> None:
    done = edgeecho("infer", video, "--beats", rule)
    assert done.returncode == 4
    assert done.stdout == ""
    assert f"--beats {rule}: narrow has no segmentation" in done.stderr
    assert "--segmentation CHECKPOINT" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [[], ["--beats", "none"]])
def test_not_asked_such_a_model_says_nothing_of_them(
    edgeecho: Any, video: Path, words: list[str]
) -> None:
    done = edgeecho("infer", video, "--clips", "center", *words)
    assert "beats:" not in done.stdout
    assert "segmentation" not in done.stdout + done.stderr


def test_a_rule_that_is_not_known(edgeecho: Any, video: Path) -> None:
    done = edgeecho("infer", video, "--beats", "best")
    assert done.returncode == 2
    assert "--beats 'best' is not known: choose default, published or none" in done.stderr


@pytest.mark.slow
def test_workers_are_told(edgeecho: Any, bundle: Path, video: Path) -> None:
    words = ["infer", video, "--clips", "center", "--show-refused", "--model", bundle, "--json"]
    words += ["--workers", "1"]
    (published,) = beats(edgeecho(*words, "--beats", "published").stdout)
    assert published["rule"] == "published"
    assert beats(edgeecho(*words, "--beats", "none").stdout) == [None]


@pytest.mark.slow
def test_a_cohort_has_the_same_beats_and_mixes_no_others(
    edgeecho: Any, bundle: Path, video: Path, tmp_path: Path
) -> None:
    (tmp_path / "list.csv").write_text(f"path\n{video.resolve()}\n")
    words = ["--clips", "all", "--model", bundle]
    infer = edgeecho("infer", video, *words, "--json")
    cohort = ["cohort", tmp_path / "list.csv", "--out", tmp_path / "t", "--format", "csv", *words]
    assert edgeecho(*cohort).returncode == 0
    (row,) = rows_of(tmp_path / "t")
    assert [json.loads(row["Result"])["beats"]] == beats(infer.stdout)
    for other in ("none", "published"):
        done = edgeecho(*cohort, "--beats", other)
        assert done.returncode == 2
        assert "answers of another run (not the same beats)" in done.stderr


def test_a_stream_says_that_it_finds_none(edgeecho: Any, bundle: Path, video: Path) -> None:
    words = ["stream", video, "--stride", "80", "--json", "--show-refused"]
    done = edgeecho(*words, "--model", bundle)
    said = "beats are not traced while frames arrive: `edgeecho infer` traces them"
    assert done.stderr.count(said) == 1
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines
    assert {line["segmentation"] for line in lines} == {None}
    assert "beats are not traced" not in edgeecho(*words).stderr


@pytest.mark.parametrize(("delta", "known"), [(0.15, True), (15.0, False)])
def test_of_a_dicom_file_that_says_the_size_of_a_pixel_volumes_are_in_ml(
    edgeecho: Any, bundle: Path, video: Path, tmp_path: Path, delta: float, known: bool
) -> None:
    tissue = Dataset()
    tissue.RegionSpatialFormat = tissue.RegionDataType = 1
    tissue.RegionLocationMinX0 = tissue.RegionLocationMinY0 = 0
    tissue.RegionLocationMaxX1 = tissue.RegionLocationMaxY1 = 111
    tissue.PhysicalUnitsXDirection = tissue.PhysicalUnitsYDirection = 3
    tissue.PhysicalDeltaX = tissue.PhysicalDeltaY = delta
    frames = read_cine(video).frames
    cine = write_dicom(
        tmp_path / "a.dcm", frames, FrameTime=20, SequenceOfUltrasoundRegions=[tissue]
    )
    words = ["infer", cine, "--clips", "center", "--show-refused", "--model", bundle, "--json"]
    (result,) = json.loads(edgeecho(*words).stdout)["results"]
    row = result["beats"]["table"][0]["ed"]
    said = [w for w in result["warnings"] if "the size of a pixel" in w]
    if known:
        assert row["discs_ml"] == pytest.approx(row["discs_px3"] * delta**3)
        assert said == []
    else:
        assert row["discs_ml"] is None
        assert len(said) == 1
        assert "1.68e+04 mm deep" in said[0]
        without = json.loads(edgeecho(*words, "--beats", "none").stdout)["results"][0]["warnings"]
        assert not [w for w in without if "the size of a pixel" in w], "EF does not need it"
