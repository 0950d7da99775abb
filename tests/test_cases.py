"""Files after public bug reports, which edgeecho once answered wrongly: `tests/cine/cases`.

With the demo model where the EF is looked at: its EFs are known. "Plain" is the EF of the same clip
in a file that is not odd: decoded by PyAV or pydicom, made square or cut out by OpenCV and NumPy,
and written without loss.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from edgeecho.bundle import DEMO

pytestmark = pytest.mark.slow

CASES = Path(__file__).parent / "cine" / "cases"
PLAIN = {"sar_2to1.mp4": 52.8, "pixel_aspect_1_2.dcm": 53.1, "cs_none_utf8.dcm": 52.2}
OBJECTS = {
    "object_xray_angiography.dcm": "(X-Ray Angiographic Image Storage object)",
    "object_ivus.dcm": "(intravascular cine, Modality)",
    "object_enhanced_us_volume.dcm": "(volume, Enhanced US Volume Storage: its frames are slices",
    "still_ultrasound.dcm": "(still)",
}
REFUSED = {
    "time_comma_rec60.dcm": (
        "contradictory-rate",
        "FrameTime says 28.1 frames/s, RecommendedDisplayFrameRate 60.0",
    ),
    "time_vector_n-1_cine60.dcm": (
        "contradictory-rate",
        "CineRate says 60.0 frames/s, FrameTimeVector (89 values for 90 frames) about 28.1",
    ),
    "biplane_regions.dcm": ("several-sectors", "2 sectors move in the picture"),
}
WARNED = {
    "sar_2to1.mp4": "stretched from 288x432 to 576x432",
    "pixel_aspect_1_2.dcm": "stretched from 120x180 to 240x180",
    "interlaced_h264.mp4": "50 of 50 frames were made of two fields and deinterlaced",
}


TRIMMED = "editlist_trim.mp4"
ONE_THREAD = ("--threads", "1")
"""Clips this small gain nothing by more."""


@pytest.fixture(scope="module")
def results(toy_bundle: Path) -> dict[str, dict[str, Any]]:
    """By file; those of which a test wants the EF, or all warnings, are the demo model's."""
    known = {CASES / name for name in (*PLAIN, TRIMMED)}
    others = set(CASES.iterdir()) - known
    return answers(known, DEMO, 0) | answers(others, toy_bundle, 3)


def answers(files: set[Path], model: Path, code: int) -> dict[str, dict[str, Any]]:
    main = "from edgeecho.cli.app import main; main()"
    words = ["infer", *sorted(files), "--model", model, "--json", *ONE_THREAD]
    done = subprocess.run(
        [sys.executable, "-c", main, *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    return {result["file"]: result for result in json.loads(done.stdout)["results"]}


def test_every_case_is_looked_at(results: dict[str, Any]) -> None:
    named = {*PLAIN, *OBJECTS, *REFUSED, *WARNED, TRIMMED}
    assert named == {file.name for file in CASES.iterdir()} == results.keys()


@pytest.mark.parametrize("name", PLAIN)
def test_an_answer_is_that_of_the_plain_file(results: dict[str, Any], name: str) -> None:
    assert results[name]["status"] == "answered"
    assert results[name]["ef"] == pytest.approx(PLAIN[name], abs=0.5)


@pytest.mark.parametrize("name", WARNED)
def test_what_was_done_to_it_is_said(results: dict[str, Any], name: str) -> None:
    assert any(WARNED[name] in warning for warning in results[name]["warnings"])


@pytest.mark.parametrize("name", OBJECTS)
def test_another_kind_of_object_gets_no_number(results: dict[str, Any], name: str) -> None:
    assert results[name]["exit_code"] == 3
    assert OBJECTS[name] in results[name]["error"]
    assert "ef" not in results[name]


@pytest.mark.parametrize("name", REFUSED)
def test_what_contradicts_itself_is_refused(results: dict[str, Any], name: str) -> None:
    gate, words = REFUSED[name]
    assert results[name]["status"] == "refused"
    assert words in {r["gate"]: r["reason"] for r in results[name]["refusals"]}[gate]


def test_a_trimmed_file_is_whole(results: dict[str, Any]) -> None:
    trimmed = results[TRIMMED]
    assert (trimmed["status"], trimmed["video"]["frames"]) == ("answered", 47)
    assert (trimmed["video"]["damage"], trimmed["warnings"]) == ([], [])


@pytest.mark.parametrize(
    ("name", "options", "plain"),
    [
        ("time_comma_rec60.dcm", ["--fps", "28.05"], 49.7),
        ("time_vector_n-1_cine60.dcm", ["--fps", "28.05"], 49.7),
        ("biplane_regions.dcm", ["--crop", "8,8,135,135"], 54.1),
        ("biplane_regions.dcm", ["--crop", "154,8,135,135"], 22.1),
    ],
)
def test_the_way_out_that_a_refusal_names_gives_the_plain_answer(
    edgeecho: Any, name: str, options: list[str], plain: float
) -> None:
    done = edgeecho("infer", CASES / name, *options, "--model", DEMO, "--json", *ONE_THREAD)
    assert done.returncode == 0, done.stdout
    # The demo's INT8 differs by half a point between CPUs; the wrong answer is 20 points off.
    assert json.loads(done.stdout)["results"][0]["ef"] == pytest.approx(plain, abs=1)


def test_no_form_of_report_has_a_number_of_another_kind_of_object(
    edgeecho: Any, toy_bundle: Path
) -> None:
    files = [CASES / name for name in OBJECTS]
    more = ["--show-refused"]
    text = edgeecho("infer", *files, "--model", toy_bundle, *more)
    assert text.returncode == 3
    assert "EF  " not in text.stdout
    fhir = edgeecho("infer", *files, "--model", toy_bundle, "--format", "fhir")
    entries = json.loads(fhir.stdout)["entry"]
    for entry, words in zip(entries, OBJECTS.values(), strict=True):
        resource = entry["resource"]
        assert resource["resourceType"] == "OperationOutcome"
        assert words in resource["issue"][0]["details"]["text"]
        assert "valueQuantity" not in json.dumps(resource)


def test_the_folder_of_a_study_ends_as_its_cines_do(
    edgeecho: Any, toy_bundle: Path, tmp_path: Path
) -> None:
    for name in (*OBJECTS, "cs_none_utf8.dcm"):
        shutil.copy(CASES / name, tmp_path)
    done = edgeecho("infer", tmp_path, "--model", toy_bundle)
    assert done.returncode == 0
    assert done.stderr == (
        "passed over: 1 X-Ray Angiographic Image Storage object, 1 intravascular cine, 1 still, "
        "1 volume\n"
    )


def test_a_name_in_no_character_set_is_left_out_of_the_report(
    edgeecho: Any, toy_bundle: Path, tmp_path: Path
) -> None:
    pytest.importorskip("highdicom")
    case, out = CASES / "cs_none_utf8.dcm", tmp_path / "sr"
    done = edgeecho("infer", case, "--model", toy_bundle, "--format", "dicom-sr", "--out", out)
    assert done.returncode == 0
    (report,) = map(dcmread, out.iterdir())
    assert (report.PatientName, report.PatientID) == ("", "PHANTOM")
    for part in ("STER", "NNE"):
        assert part.encode() not in next(out.iterdir()).read_bytes()
