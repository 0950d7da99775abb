"""The REST API of a real service."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from processes import wait
from pydicom.examples import get_path
from served import NARROW, PHANTOMS, Process

from edgeecho import RESEARCH_USE
from edgeecho.inference import estimate_file, load_model
from edgeecho.report.structured import schema_text

pytestmark = pytest.mark.slow

NUMBER = re.compile(r"\bEF\b[^a-z]{0,4}\d")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Answers that take long enough for every step to be told."""
    process = Process(tmp_path_factory.mktemp("serve") / "state", "--model", NARROW)
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.words


@pytest.fixture(scope="module")
def answered(client: Any) -> Any:
    return client.ended(client.post_file(PHANTOMS[0].read_bytes())["id"])


@pytest.fixture(scope="module")
def refused(client: Any) -> Any:
    return client.ended(client.post_file(get_path("ybr_color").read_bytes())["id"])


def test_a_video_gets_the_answer_of_infer(client: Any, answered: Any) -> None:
    assert answered["status"] == "answered"
    result = client.get(f"/api/v1/jobs/{answered['id']}/result.json").json()
    jsonschema.validate(result, json.loads(schema_text()))
    expected = estimate_file(PHANTOMS[0], load_model(NARROW, threads=1)).ef
    assert result["results"][0]["ef"] == pytest.approx(expected, abs=1e-3)
    assert answered["summary"]["ef"] == result["results"][0]["ef"]
    assert answered["forms"] == ["csv", "fhir.json", "html", "json"]
    none = client.get(f"/api/v1/jobs/{answered['id']}/result.beats.csv")
    assert (none.status_code, "no beats were traced" in none.text) == (404, True)


def test_a_refused_one_has_reasons_and_no_number_in_any_form(client: Any, refused: Any) -> None:
    assert refused["status"] == "refused"
    assert refused["summary"]["ef"] is refused["summary"]["band"] is None
    assert refused["summary"]["interval"] is None
    gates = refused["summary"]["refusals"]
    assert gates
    for form in refused["forms"]:
        text = client.get(f"/api/v1/jobs/{refused['id']}/result.{form}").text
        assert gates[0].replace("-", " ") in text.replace("-", " ")
        assert not NUMBER.search(text), form
    (row,) = csv.DictReader(
        io.StringIO(client.get(f"/api/v1/jobs/{refused['id']}/result.csv").text)
    )
    assert (row["Status"], row["EF"], row["Min"], row["IntervalLow"]) == ("refused", "", "", "")


def test_what_is_no_video_fails_with_one_line(client: Any) -> None:
    job = client.ended(client.post_file(b"no video")["id"])
    assert (job["status"], job["forms"], job["summary"]) == ("failed", [], None)
    assert "\n" not in job["error"]
    answer = client.get(f"/api/v1/jobs/{job['id']}/result.json")
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith(job["error"])


def test_every_form_says_what_it_is_not_for(client: Any, answered: Any) -> None:
    assert answered["research_use"] == RESEARCH_USE
    for form in answered["forms"]:
        answer = client.get(f"/api/v1/jobs/{answered['id']}/result.{form}")
        assert RESEARCH_USE in answer.text
        assert (
            f'filename="edgeecho-{answered["id"][:8]}.{form}"'
            in (answer.headers["content-disposition"])
        )
    assert client.get(f"/api/v1/jobs/{answered['id']}/result.pdf").status_code == 404


def test_events_tell_of_every_step(client: Any) -> None:
    waiting = [client.post_file(file.read_bytes()) for file in PHANTOMS[:3]]
    told = []
    with client.stream("GET", f"/api/v1/jobs/{waiting[-1]['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in stream.iter_lines() if line and not line.startswith(":")]
    for name, data in zip(lines[::2], lines[1::2], strict=True):
        told.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    names = [name for name, _ in told]
    assert names[0] == "queued"
    assert names[-1] == "ended"
    assert "engine" in names
    places = [view["place"] for name, view in told if name == "queued"]
    assert places == sorted(places, reverse=True)
    done = [view["progress"]["done"] for name, view in told if name == "engine"]
    assert done == sorted(done)
    assert all(v["progress"]["of"] > 0 for name, v in told if name == "engine")
    assert told[-1][1]["status"] in ("answered", "refused")


def test_one_stream_tells_of_all_jobs(client: Any, answered: Any) -> None:
    with client.stream("GET", "/api/v1/events") as stream:
        lines = stream.iter_lines()
        before = []
        while (line := next(lines)) != "event: whole":
            if line.startswith("data: "):
                before.append(json.loads(line[6:])["id"])
        assert answered["id"] in before
        new = client.post_file(PHANTOMS[1].read_bytes())["id"]
        statuses: list[str] = []
        while not statuses or statuses[-1] in ("queued", "running"):
            line = next(lines)
            if line.startswith('data: {"id"') and json.loads(line[6:])["id"] == new:
                statuses.append(json.loads(line[6:])["status"])
    assert statuses[-1] in ("answered", "refused")


def test_the_history_goes_back_page_by_page(client: Any, answered: Any) -> None:
    found, before = [], None
    while True:
        options = {"limit": 2} | ({"before": before} if before else {})
        jobs = client.get("/api/v1/jobs", params=options).json()["jobs"]
        if not jobs:
            break
        found += [job["id"] for job in jobs]
        before = jobs[-1]["received"]
    assert answered["id"] in found
    assert len(set(found)) == len(found)
    assert found == [job["id"] for job in client.get("/api/v1/jobs?limit=200").json()["jobs"]]


def test_a_review_is_kept_in_the_trail(client: Any, answered: Any) -> None:
    path = f"/api/v1/jobs/{answered['id']}"
    assert answered["review"] is None
    for decision, note in (("rejected", "foreshortened"), ("accepted", "é\u2028\0 <b>")):
        said = client.post(f"{path}/review", json={"decision": decision, "note": note})
        assert said.status_code == 200, said.text
        assert (said.json()["review"]["decision"], said.json()["review"]["note"]) == (
            decision,
            note,
        )
    entries = client.get(f"{path}/trail").json()["entries"]
    assert [e["event"] for e in entries] == ["received", "answered", "rejected", "accepted"]
    assert entries[1]["detail"]["model_sha256"]
    long = client.post(f"{path}/review", json={"decision": "accepted", "note": "x" * 1001})
    assert long.status_code == 422
    lone = client.post(f"{path}/review", content=b'{"decision": "accepted", "note": "\\ud800"}')
    assert lone.status_code == 422
    failed = client.ended(client.post_file(b"no video")["id"])
    assert client.post(
        f"/api/v1/jobs/{failed['id']}/review", json={"decision": "accepted"}
    ).status_code == 409  # fmt: skip


def test_a_trail_can_be_had_page_by_page(client: Any, answered: Any) -> None:
    path = f"/api/v1/jobs/{answered['id']}"
    for note in ("a", "b"):
        client.post(f"{path}/review", json={"decision": "accepted", "note": note})
    whole = client.get(f"{path}/trail").json()["entries"]
    assert len(whole) >= 4
    assert not any(entry["broken"] for entry in whole)
    read: list[Any] = []
    while page := client.get(
        f"{path}/trail", params={"limit": 3, "after": read[-1]["number"] if read else 0}
    ).json()["entries"]:
        assert len(page) <= 3
        read += page
    assert read == whole
    for wrong in ("limit=0", "limit=2001", "after=-1", f"after={10**30}"):
        assert client.get(f"{path}/trail?{wrong}").status_code == 422


def test_reviews_of_one_job_are_bounded(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeecho.service.http.results.MOST_REVIEWS", 3)
    service = start()
    with service.client() as client:
        job = client.ended(client.post_file(PHANTOMS[0].read_bytes())["id"])
        other = client.ended(client.post_file(PHANTOMS[1].read_bytes())["id"])
        path, said = f"/api/v1/jobs/{job['id']}/review", {"decision": "accepted"}
        for _ in range(3):
            assert client.post(path, json=said).status_code == 200
        answer = client.post(path, json={"decision": "rejected"})
        assert answer.status_code == 409
        assert "as many as are kept" in answer.json()["detail"]
        assert client.job(job["id"])["review"]["decision"] == "accepted"
        path = f"/api/v1/jobs/{other['id']}/review"
        assert client.post(path, json=said).status_code == 200


def test_a_file_that_is_sent_again_under_its_key_is_one_job(client: Any) -> None:
    data, key = PHANTOMS[2].read_bytes(), {"Idempotency-Key": "0815"}
    first, again = client.post_file(data, headers=key), client.post_file(data, headers=key)
    other = client.post_file(data, headers={"Idempotency-Key": "0816"})
    assert first["id"] == again["id"] != other["id"]
    answer = client.post("/api/v1/jobs", content=PHANTOMS[1].read_bytes(), headers=key)
    assert answer.status_code == 409, "another patient's, perhaps"
    assert "another file was sent under that key" in answer.json()["detail"]


def test_problems_are_one_line_and_repeat_nothing(client: Any) -> None:
    absent = "0" * 32
    for method, path, status in (
        ("GET", f"/api/v1/jobs/{absent}", 404),
        ("DELETE", f"/api/v1/jobs/{absent}", 404),
        ("GET", "/api/v1/jobs/Jane%20Doe", 422),
        ("GET", "/api/v1/jobs?limit=Doe", 422),
        ("GET", "/api/v1/absent", 404),
        ("PUT", "/api/v1/jobs", 405),
        ("POST", "/api/v1/jobs", 400),
    ):
        answer = client.request(method, path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert body["status"] == status
        assert "\n" not in body["detail"]
        assert "Doe" not in answer.text
    assert client.put(f"/api/v1/jobs/{absent}").headers["allow"] == "DELETE, GET"
    for method, path, allowed in (
        ("GET", "review", "POST"),
        ("POST", "trail", "GET"),
        ("DELETE", "result.json", "GET"),
    ):
        answer = client.request(method, f"/api/v1/jobs/{absent}/{path}")
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_there_are_no_names_that_could_lead_elsewhere(client: Any, service: Any) -> None:
    for path in (
        "/api/v1/jobs/..%2F..%2Fetc%2Fpasswd",
        "/api/v1/jobs/../../../etc/passwd",
        f"/api/v1/jobs/{'0' * 32}/result.json%2F..%2F..%2Fjobs.sqlite",
        "/..%2F..%2Fpyproject.toml",
        "/page/../../app.py",
    ):
        answer = client.get(path)
        assert answer.status_code in (404, 422), path
    job = client.post_file(
        PHANTOMS[0].read_bytes(),
        headers={"Content-Disposition": 'attachment; filename="../../../tmp/evil.avi"'},
    )
    assert re.fullmatch("[0-9a-f]{32}", job["id"])
    assert "evil" not in json.dumps(client.ended(job["id"]))


def test_openapi_describes_it(client: Any) -> None:
    described = client.get("/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert "/api/v1/jobs/{job_id}/events" in described["paths"]
    assert "Problem" in described["components"]["schemas"]
    assert "HTTPValidationError" not in json.dumps(described)
    for path in ("/docs", "/redoc"):
        assert client.get(path).status_code == 404


def test_metrics_count_and_name_nobody(client: Any, answered: Any) -> None:
    client.get(f"/api/v1/jobs/{answered['id']}")
    client.get(f"/api/v1/jobs/{answered['id']}/trail")
    text = client.get("/metrics").text
    assert re.search(r'^edgeecho_jobs\{status="answered"\} [1-9]', text, re.M)
    assert re.search("^edgeecho_queue_length ", text, re.M)
    assert re.search(r'^edgeecho_stage_seconds_count\{stage="engine"\} [1-9]', text, re.M)
    assert 'route="/api/v1/jobs/{job_id}"' in text
    assert 'route="/api/v1/jobs/{job_id}/trail"' in text
    assert answered["id"] not in text


def test_health_and_readiness(client: Any) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ok"}
    about = client.get("/api/v1/about").json()
    assert about["model"]["sha256"] in json.dumps(about)
    assert about["most_bytes"] == 800_000_000


def test_uploads_go_and_nothing_identifying_is_said(
    service: Any, client: Any, answered: Any
) -> None:
    state = service.state
    client.ended(client.post_file(b"please remember Jane Doe")["id"])
    wait(
        lambda: (
            not any(job["finished"] is None for job in client.get("/api/v1/jobs").json()["jobs"])
        )
    )
    assert list((state / "files").iterdir()) == []
    assert (state / "files").stat().st_mode & 0o777 == 0o700
    assert "127.0.0.1 " not in service.words
    assert answered["id"] not in service.words
    assert b"Jane" not in (state / "jobs.sqlite").read_bytes()


def test_what_was_sent_is_kept_where_that_was_asked_for(tmp_path: Any) -> None:
    service = Process(tmp_path, "--keep-files", "--most-pages", 0)
    with service.client() as client:
        job = client.ended(client.post_file(PHANTOMS[0].read_bytes())["id"])
        assert (tmp_path / "files" / job["id"]).read_bytes() == PHANTOMS[0].read_bytes()
        assert job["forms"] == ["csv", "fhir.json", "json"]
        assert client.get(f"/api/v1/jobs/{job['id']}/result.html").status_code == 410
    assert service.stop() == 0
