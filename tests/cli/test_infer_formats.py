"""`infer --format`: documents on stdout, structured reports in a folder, exit codes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from as_dicom import write_dicom
from dcmtk import dsrdump
from pydicom import dcmread
from pydicom.examples import get_path

from edgeecho.bundle import EXAMPLE

BANNER = "Research use only, not for diagnosis."
CENTER = ("--clips", "center")
pytestmark = pytest.mark.usefixtures("toy_by_default")


@pytest.fixture
def phantom(tmp_path: Path) -> Path:
    """A DICOM cine that is answered."""
    return write_dicom(EXAMPLE, tmp_path / "DOE^JANE" / "phantom.dcm")


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """A DICOM cine that is refused: 30 frames."""
    folder = tmp_path / "real"
    folder.mkdir()
    return Path(shutil.copy(get_path("ybr_color"), folder / "DOE^JANE.dcm"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "reports"


def without_times(text: str) -> Any:
    value = json.loads(text)
    for result in value["results"]:
        del result["timings_ms"]
    return value


def is_usage_error(done: Any, words: str) -> bool:
    assert words in done.stderr
    return (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.slow
def test_json_is_the_same_by_both_names(edgeecho: Any) -> None:
    one, two, both = (
        edgeecho("infer", EXAMPLE, *CENTER, *words)
        for words in (["--json"], ["--format", "json"], ["--json", "--format", "json"])
    )
    assert without_times(one.stdout) == without_times(two.stdout) == without_times(both.stdout)
    assert edgeecho("infer", EXAMPLE, *CENTER, "--format", "text").stdout.startswith("example.avi")


@pytest.mark.slow
def test_fhir_is_one_document_and_nothing_else(edgeecho: Any, phantom: Path, real: Path) -> None:
    bundles = pytest.importorskip("fhir.resources.bundle")
    broken = real.with_name("DOE.avi")
    broken.write_text("text")
    done = edgeecho("infer", phantom, real, broken, *CENTER, "--format", "fhir")
    assert done.returncode == 3
    bundle = bundles.Bundle.model_validate_json(done.stdout)
    first, second, third = (entry.resource for entry in bundle.entry)
    assert 0 < first.valueQuantity.value < 100
    assert second.valueQuantity is None
    assert second.dataAbsentReason.text.startswith("refused: too short: 30 frames")
    assert third.get_resource_type() == "OperationOutcome"
    assert third.issue[0].details.text.startswith("file 3 is not a video")
    for part in ("DOE", "JANE", "PHANTOM", "PLA", str(phantom.parent)):
        assert part not in done.stdout
    assert BANNER in done.stdout


@pytest.mark.parametrize(("name", "code"), [("phantom", 0), ("real", 5)])
def test_fhir_keeps_the_exit_codes(
    edgeecho: Any, name: str, code: int, request: pytest.FixtureRequest
) -> None:
    file = request.getfixturevalue(name)
    assert edgeecho("infer", file, *CENTER, "--format", "fhir").returncode == code


def test_a_file_that_cannot_be_used_is_a_fhir_document_too(edgeecho: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.avi").touch()
    done = edgeecho("infer", tmp_path / "empty.avi", "--format", "fhir")
    assert done.returncode == 3
    (entry,) = json.loads(done.stdout)["entry"]
    assert entry["resource"]["resourceType"] == "OperationOutcome"


@pytest.mark.slow
def test_reports_of_dicom_files_and_a_line_for_what_is_none(
    edgeecho: Any, phantom: Path, real: Path, out: Path, tmp_path: Path
) -> None:
    done = edgeecho("infer", EXAMPLE, phantom, real, *CENTER, "--format", "dicom-sr", "--out", out)
    assert done.returncode == 3
    assert "example.avi   no answer: example.avi is no DICOM file" in done.stdout
    assert done.stdout.splitlines()[-1] == BANNER
    assert "1 of 3 files have no answer" in done.stderr
    first, second = sorted(out.iterdir())
    for number, path in ((2, first), (3, second)):
        assert re.fullmatch(rf"000{number}-2\.25\.\d+\.dcm", path.name)
        assert path.name == f"000{number}-{dcmread(path).SOPInstanceUID}.dcm"
    answered, refused = dsrdump(first), dsrdump(second)
    assert "PHANTOM^NOBODY" in answered
    assert '(18043-0,LN,"Left Ventricular Ejection Fraction by US")=' in answered
    assert "refused: too short: 30 frames" in refused
    assert "NUM:" not in refused
    assert "PHANTOM" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("name", "code"), [("phantom", 0), ("real", 5)])
def test_reports_keep_the_exit_codes(
    edgeecho: Any, out: Path, name: str, code: int, request: pytest.FixtureRequest
) -> None:
    file = request.getfixturevalue(name)
    done = edgeecho("infer", file, *CENTER, "--format", "dicom-sr", "--out", out)
    assert (done.returncode, done.stderr) == (code, "")
    assert len(list(out.iterdir())) == 1
    # Once more: the same report, not a second one.
    edgeecho("infer", file, *CENTER, "--format", "dicom-sr", "--out", out)
    assert len(list(out.iterdir())) == 1


def test_a_single_video_is_one_line(edgeecho: Any, out: Path) -> None:
    done = edgeecho("infer", EXAMPLE, *CENTER, "--format", "dicom-sr", "--out", out)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "example.avi is no DICOM file" in done.stderr
    assert list(out.iterdir()) == []


def test_a_cine_that_names_no_study_is_one_line(edgeecho: Any, phantom: Path, out: Path) -> None:
    dataset = dcmread(phantom)
    del dataset.StudyInstanceUID
    dataset.save_as(phantom)
    done = edgeecho("infer", phantom, *CENTER, "--format", "dicom-sr", "--out", out)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "has no valid StudyInstanceUID" in done.stderr


def test_choices_that_contradict_cost_no_answer(
    edgeecho: Any, phantom: Path, out: Path, tmp_path: Path
) -> None:
    def usage(words: str, *options: object, file: Path = EXAMPLE) -> bool:
        return is_usage_error(edgeecho("infer", file, *options), words)

    sr = ("--format", "dicom-sr")
    assert usage("'hl7' is not known: choose text, json, fhir, dicom-sr", "--format", "hl7")
    assert usage("not fhir", "--json", "--format", "fhir")
    assert usage("not text", "--json", "--format", "text")
    assert usage("go together", *sr)
    assert usage("go together", "--out", out)
    assert usage("go together", "--json", "--out", out)
    assert usage("leave --show-refused out", "--format", "fhir", "--show-refused")
    assert usage("leave --show-refused out", *sr, "--out", out, "--show-refused")
    assert usage("holds files to be read", *sr, "--out", phantom.parent, file=phantom)
    (tmp_path / "file").touch()
    assert usage("cannot be written", *sr, "--out", tmp_path / "file")
    assert not out.exists()


def test_a_missing_extra_is_one_line(
    edgeecho: Any, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeecho.common.plugins.missing_of_extra", lambda extra: ("highdicom",))
    done = edgeecho("infer", EXAMPLE, "--format", "dicom-sr", "--out", out)
    assert (done.returncode, done.stdout, done.stderr) == (
        4, "", "edgeecho: `--format dicom-sr` needs highdicom, which is not installed: "
        "pip install 'edgeecho[dicom]'\n",
    )  # fmt: skip
    assert not out.exists()


def test_what_cannot_be_written_costs_no_answer(
    edgeecho: Any, phantom: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pydicom.Dataset.save_as", full)
    done = edgeecho("infer", phantom, *CENTER, "--format", "dicom-sr", "--out", out)
    assert done.returncode == 2
    assert "phantom.dcm  EF " in done.stdout
    assert "No space left" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(out.iterdir()) == []
