"""What a report says of an answer, of a refusal, and of a file that could not be used."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest
from dicom_net import (
    Scanner,
    Service,
    make_task,
    numbers_of,
    texts_of,
    write_cine,
)
from pydicom import Dataset, dcmread
from pydicom.examples import get_path

from edgeecho import RESEARCH_USE
from edgeecho.service.jobs import Job, JobStore
from edgeecho.service.jobs.studies import DRAFTS_KEPT_S

pytestmark = pytest.mark.slow


def answer(service: Service, path: Path) -> tuple[Job, Dataset]:
    with Scanner(service.node.port) as scanner:
        assert scanner.store(path) == (0, "")
    job = service.store.queue.latest(1)[0]
    service.wait(lambda: service.study_of(job).delivery == "delivered")
    folder = service.store.queue.file_of("x").parents[2] / "sr"
    report = dcmread(max(folder.iterdir(), key=lambda file: file.stat().st_mtime_ns))
    assert (report.PreliminaryFlag, report.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    assert RESEARCH_USE in texts_of(report)
    return service.store.queue.get(job.id), report


def test_an_answer_has_its_number(service: Service, tmp_path: Path) -> None:
    job, report = answer(service, write_cine(tmp_path / "a.dcm", 1, frames=100))
    assert job.status == "answered", job.document
    assert job.document is not None
    assert numbers_of(report)[0] == pytest.approx(job.document["results"][0]["ef"], abs=0.01)


def test_a_refusal_has_reasons_and_no_number(service: Service) -> None:
    job, report = answer(service, Path(str(get_path("ybr_color"))))
    assert job.status == "refused"
    assert numbers_of(report) == []
    assert any(text.startswith("refused: too short") for text in texts_of(report))


def test_another_view_is_refused_by_name_and_its_text_is_not_told(
    service: Service, tmp_path: Path
) -> None:
    path = write_cine(tmp_path / "a.dcm", 75, frames=100, SeriesDescription="Secret PLAX")
    job, report = answer(service, path)
    assert job.status == "refused"
    assert numbers_of(report) == []
    said = [text for text in texts_of(report) if text.startswith("refused: other view")]
    assert len(said) == 1
    assert "parasternal long axis (SeriesDescription)" in said[0]
    assert "Secret" not in " ".join(texts_of(report))


BOMBS: dict[str, dict[str, Any]] = {
    "frames of 4 G pixels": {"Rows": 65535, "Columns": 65535},
    "two thousand million frames": {"NumberOfFrames": 2_000_000_000, "Rows": 4096, "Columns": 4096},
    "no rows": {"Rows": 0},
}


@pytest.mark.parametrize("name", BOMBS)
def test_image_bombs_fail_and_the_report_says_so(
    service: Service, tmp_path: Path, name: str
) -> None:
    number = 10 + list(BOMBS).index(name)
    path = write_cine(tmp_path / "a.dcm", number, frames=4, **BOMBS[name])
    job, report = answer(service, path)
    assert (job.status, job.exit_code) == ("failed", 3)
    assert numbers_of(report) == []
    (reason,) = (text for text in texts_of(report) if text.startswith("not answered: "))
    assert job.error is not None
    assert reason.endswith(job.error)
    assert "Secret" not in job.error


def test_an_engine_that_is_killed_in_the_middle_costs_no_answer(serve: Any, tmp_path: Path) -> None:
    from crashing import CrashOnceTask

    service = serve(task=make_task(CrashOnceTask))
    job, report = answer(service, write_cine(tmp_path / "a.dcm", 20, frames=100))
    assert job.status == "answered"
    assert len(numbers_of(report)) >= 1


def test_an_engine_that_is_killed_each_time_is_told_of(serve: Any, tmp_path: Path) -> None:
    from crashing import CrashAlwaysTask

    service = serve(task=make_task(CrashAlwaysTask))
    job, report = answer(service, write_cine(tmp_path / "a.dcm", 21))
    assert job.status == "failed"
    assert numbers_of(report) == []
    assert any("was ended (SIGKILL)" in text for text in texts_of(report))


def test_nothing_of_the_patient_is_kept_for_longer_than_a_day_or_said(
    serve: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    service = serve()
    path = write_cine(
        tmp_path / "a.dcm", 22, PatientBirthDate="19010101", StudyDescription="Secret study"
    )
    answer(service, path)
    with Scanner(service.node.port) as scanner:
        assert scanner.store_bytes(b"Secret^Patient" * 100)[0] == 0xC000
    service.close()
    assert list((tmp_path / "state" / "drafts").iterdir()), "later clips may join the study"
    tomorrow = time.time() + DRAFTS_KEPT_S
    monkeypatch.setattr("time.time", lambda: tomorrow)
    JobStore(tmp_path / "state").close()
    state = b"".join(p.read_bytes() for p in (tmp_path / "state").rglob("*") if p.is_file())
    said = caplog.text + "".join(capfd.readouterr())
    for secret in ("Secret", "SECRET-4711", "19010101", "498.7.22", "a.dcm"):
        assert secret.encode() not in state, secret
        assert secret not in said, secret
