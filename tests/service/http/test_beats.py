"""Beats in the service: which forms a result has, and that `--beats` reaches its engine."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("onnx")
from answers import answered, traced
from bright import bright_bundle, bright_video
from served import Process

from edgeecho.results import Answer, Outcome
from edgeecho.service.http.formats import render


def test_the_table_of_beats_is_a_form_of_what_was_traced() -> None:
    assert "beats.csv" in render(of_one_clip(traced()))
    assert "beats.csv" in render(traced(refused=True))
    assert "beats.csv" not in render(of_one_clip(answered()))


def of_one_clip(outcome: Outcome) -> Outcome:
    """The same with as many EFs as there are clips, since a page draws them."""
    answer = outcome.answer
    assert isinstance(answer, Answer)
    assert answer.numbers is not None
    numbers = replace(answer.numbers, clip_efs=(answer.numbers.ef,), sd=None)
    return replace(outcome, answer=replace(answer, numbers=numbers))


@pytest.mark.slow
def test_a_job_is_answered_with_the_beats_that_were_asked_for(tmp_path: Path) -> None:
    bundle = bright_bundle(tmp_path / "bundle")
    video = bright_video(tmp_path / "a.avi").read_bytes()
    service = Process(tmp_path / "state", "--model", bundle, "--beats", "published")
    with service.client() as client:
        job = client.ended(client.post_file(video)["id"])
        result = client.get(f"/api/v1/jobs/{job['id']}/result.json").json()
        table = client.get(f"/api/v1/jobs/{job['id']}/result.beats.csv").text
    assert service.stop() == 0
    assert result["results"][0]["beats"]["rule"] == "published"
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {row["Rule"] for row in rows} == {"published"}
