"""The Open Inference Protocol where something goes wrong."""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import Any

import httpx
import numpy as np
import pytest
from crashing import HangingTask
from processes import wait
from served import PHANTOMS

from edgeecho.service.http.settings import HttpSettings

pytestmark = pytest.mark.slow

TOKEN = "0123456789abcdef"
FILE, CLIPS = "/v2/models/edgeecho/infer", "/v2/models/edgeecho-clips/infer"
HEADER = "Inference-Header-Content-Length"


def request(name: str, shape: list[int], datatype: str, content: bytes) -> dict[str, Any]:
    """Arguments for httpx."""
    parameters = {"binary_data_size": len(content)}
    tensor = {"name": name, "shape": shape, "datatype": datatype, "parameters": parameters}
    text = json.dumps({"inputs": [tensor]}).encode()
    return {"content": text + content, "headers": {HEADER: str(len(text))}}


def file_request(content: bytes) -> dict[str, Any]:
    return request("file", [1], "BYTES", len(content).to_bytes(4, "little") + content)


def clips_request(number: int) -> dict[str, Any]:
    shape = [number, 3, 32, 112, 112]
    return request("clip", shape, "FP32", np.zeros(shape, "<f4").tobytes())


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        (b"", {}, "empty"),
        (b"{", {}, "JSON"),
        (b"[" * 100_000, {}, "JSON"),
        (b"{}", {"Inference-Header-Content-Length": "3"}, "Inference-Header-Content-Length"),
        (b"{}", {"Inference-Header-Content-Length": "-1"}, "Inference-Header-Content-Length"),
        (b'{"inputs": [{"name": "clip", "shape": [1], "datatype": "FP32"}]}', {}, "shape"),
        (b'{"inputs": []}', {}, "one input"),
        (b'{"inputs": [{"name": "clip", "shape": [1,3,32,112,112], "datatype": "FP32",'
         b'"data": [1, 2]}]}', {}, "data"),
        (b'{"inputs": [{"name": "clip", "shape": [1,3,32,112,112], "datatype": "FP32",'
         b'"data": ["1", true, {}]}]}', {}, "data"),
        (b'{"inputs": [{"name": "clip", "shape": [9999999999,3,32,112,112], "datatype": "FP32",'
         b'"parameters": {"binary_data_size": 4}}]}xxxx',
         {"Inference-Header-Content-Length": "120"}, ""),
        (b"{}", {"Content-Encoding": "gzip"}, "Content-Encoding"),
    ],
)  # fmt: skip
def test_requests_that_are_none(client: Any, body: bytes, headers: Any, words: str) -> None:
    answer = client.post("/v2/models/edgeecho-clips/infer", content=body, headers=headers)
    assert answer.status_code in (400, 415)
    assert list(answer.json()) == ["error"]
    assert words in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_limits_token_and_pages_from_elsewhere_hold_here_too(start: Any) -> None:
    served = start(HttpSettings(token=TOKEN, most_bytes=100_000))
    with served.client() as client:
        for path in ("/v2", "/v2/models/edgeecho", "/v2/models/edgeecho/ready"):
            answer = client.get(path)
            assert (answer.status_code, list(answer.json())) == (401, ["error"])
        for path in ("/v2/health/live", "/v2/health/ready"):
            assert client.get(path).status_code == 200
        infer, bearer = "/v2/models/edgeecho/infer", {"Authorization": f"Bearer {TOKEN}"}
        assert client.post(infer, content=b"x").status_code == 401
        other = client.post(
            infer, content=b"x", headers=bearer | {"Origin": "https://evil.example"}
        )
        assert (other.status_code, list(other.json())) == (403, ["error"])
        for content in (b"x" * 100_001, iter([b"x" * 60_000] * 2)):
            answer = client.post(infer, content=content, headers=bearer)
            assert (answer.status_code, "0.1 MB" in answer.json()["error"]) == (413, True)
        assert served.files() == []
        assert client.get("/v2", headers=bearer).json()["name"] == "edgeecho"
        assert client.get("/v2/absent", headers=bearer).json() == {"error": "Not Found"}
        assert client.delete("/v2", headers=bearer).headers["allow"] == "GET"


def test_a_client_that_is_gone_gives_its_job_up(start: Any) -> None:
    served = start(task=HangingTask)
    with served.client() as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(FILE, **file_request(b"please hang"), timeout=1)
        (job,) = client.get("/api/v1/jobs").json()["jobs"]
        assert client.ended(job["id"])["status"] == "cancelled"
        wait(lambda: served.files() == [])


def test_a_full_queue_is_said_before_the_body_is_read(start: Any) -> None:
    served = start(task=HangingTask, most_waiting=1)
    with served.client() as client:
        running = client.post_file(b"please hang")
        wait(lambda: client.job(running["id"])["status"] == "running")
        client.post_file(b"please hang")
        for path, asked in ((FILE, file_request(b"x")), (CLIPS, clips_request(1))):
            answer = client.post(path, **asked)
            assert (answer.status_code, list(answer.json())) == (429, ["error"])
            assert int(answer.headers["Retry-After"]) >= 1


def test_clips_and_files_take_turns(start: Any) -> None:
    served = start()
    found: list[int] = []

    def ask(path: str, asked: dict[str, Any]) -> None:
        with served.client() as client:
            found.append(client.post(path, **asked).status_code)

    video = file_request(PHANTOMS[0].read_bytes())
    asked = [(CLIPS, clips_request(2)), (FILE, video)] * 4
    threads = [threading.Thread(target=ask, args=one) for one in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [200] * 8
    assert served.files() == []


def test_an_engine_that_is_killed_costs_one_request(start: Any) -> None:
    served = start()
    with served.client() as client:
        assert client.post(CLIPS, **clips_request(1)).status_code == 200
        pid = served.hold()
        killer = threading.Timer(0.5, os.kill, (pid, signal.SIGKILL))
        killer.start()
        answer = client.post(CLIPS, **clips_request(1))
        assert (answer.status_code, "was ended (SIGKILL)" in answer.json()["error"]) == (500, True)
        assert client.post(CLIPS, **clips_request(1)).status_code == 200


def test_a_service_that_ends_says_so(start: Any) -> None:
    served = start(task=HangingTask)
    ender = threading.Timer(0.7, served.service.closing.set)
    with served.client() as client:
        ender.start()
        answer = client.post(FILE, **file_request(b"please hang"))
        assert answer.status_code == 503
        assert answer.json() == {"error": "the service ends: send it again later"}
        assert client.get("/v2/health/live").status_code == 200
        assert client.get("/v2/health/ready").status_code == 503


def test_a_job_that_somebody_cancels_is_said(start: Any) -> None:
    served = start(task=HangingTask)

    def cancel() -> None:
        with served.client() as client:
            (job,) = wait(lambda: client.get("/api/v1/jobs").json()["jobs"])
            client.delete(f"/api/v1/jobs/{job['id']}")

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with served.client() as client:
        answer = client.post(FILE, **file_request(b"please hang"))
    canceller.join(30)
    assert (answer.status_code, answer.json()) == (409, {"error": "it was cancelled"})
