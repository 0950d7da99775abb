"""Who may ask, and what a browser may do with the answer."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom import dcmread
from pydicom.examples import get_path
from served import PHANTOMS, Process

from edgeecho.common.errors import UsageError
from edgeecho.service.http.settings import HttpSettings, check_exposure, is_loopback, read_token

pytestmark = pytest.mark.slow

TOKEN = "0123456789abcdef"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("192.168.0.7", 200),
        ("echo.example", 200), ("ECHO.example:8117", 200),
        ("evil.example", 400), ("127.0.0.1.evil.example", 400), ("localhost.evil.example", 400),
        ("", 400), ("[", 400), ("user@localhost", 400), ("localhost@evil.example", 400),
    ],
)  # fmt: skip
def test_a_name_that_is_not_ours_is_not_answered(start: Any, host: str, status: int) -> None:
    service = start(HttpSettings(names=("echo.example",)))
    with service.client() as client:
        for path in ("/", "/api/v1/jobs"):
            assert client.get(path, headers={"Host": host}).status_code == status


def test_a_page_from_elsewhere_can_do_nothing(start: Any) -> None:
    service = start()
    with service.client() as client:
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "http://["):
            answer = client.post("/api/v1/jobs", content=b"x", headers={"Origin": origin})
            assert answer.status_code == 403
        own = {"Origin": service.url}
        assert client.post("/api/v1/jobs", content=b"x", headers=own).status_code == 202
        asked = client.options(
            "/api/v1/jobs", headers=own | {"Access-Control-Request-Method": "DELETE"}
        )
        assert not any(name.startswith("access-control") for name in asked.headers)


def test_every_response_keeps_the_page_to_itself(start: Any) -> None:
    service = start()
    with service.client() as client:
        for path in ("/", "/page.js", "/api/v1/jobs", "/absent", "/api/v1/jobs/x"):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert "server" not in headers
        assert client.get("/api/v1/jobs").headers["cache-control"] == "no-store"


def test_data_need_the_token_and_health_does_not(start: Any) -> None:
    service = start(HttpSettings(token=TOKEN))
    with service.client() as client:
        for path in ("/api/v1/jobs", "/api/v1/about", "/api/v1/events", "/metrics"):
            for headers in ({}, {"Authorization": "Bearer é"}, {"Authorization": TOKEN},
                            {"Authorization": f"Bearer {TOKEN}x"}):  # fmt: skip
                raw = {name: value.encode() for name, value in headers.items()}
                answer = client.get(path, headers=raw)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
        assert client.post("/api/v1/jobs", content=b"x").status_code == 401
        for path in ("/", "/health", "/ready", "/openapi.json"):
            assert client.get(path).status_code == 200
        assert client.get("/api/v1/jobs", headers=BEARER).status_code == 200
        assert service.store.queue.latest(9) == []


def test_a_token_file_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch(0o600)
    for text in ("", "short", "two words that are long enough", "é" * 20):
        file.write_text(text)
        with pytest.raises(UsageError, match="holds no token"):
            read_token(file)
    with pytest.raises(UsageError, match="cannot be read"):
        read_token(tmp_path / "absent")
    file.write_text(f"{TOKEN}\n")
    assert read_token(file) == TOKEN


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_token_that_others_can_read_is_refused_as_ssh_refuses_a_key(
    edgeecho: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    for mode in (0o644, 0o640, 0o604, 0o620):
        file.chmod(mode)
        done = edgeecho("serve", "--state", tmp_path / "state", "--token-file", file)
        assert done.returncode == 2
        assert f"can be read by other users: run `chmod 600 {file}`" in done.stderr
        assert done.stderr.count("\n") == 1
        assert TOKEN not in done.stderr
    for mode in (0o600, 0o400):
        file.chmod(mode)
        assert read_token(file) == TOKEN
    file.chmod(0o444)
    monkeypatch.setattr("os.getuid", lambda: file.stat().st_uid + 1)
    assert read_token(file) == TOKEN, "a secret that a container was given"


def test_other_machines_are_let_in_by_a_token_alone() -> None:
    for host in ("127.0.0.1", "127.8.8.8", "localhost", "::1"):
        assert is_loopback(host)
        check_exposure(host, None)
    for host in ("0.0.0.0", "::", "192.168.0.7", "echo.example", ""):
        assert not is_loopback(host)
        with pytest.raises(UsageError, match="--token-file"):
            check_exposure(host, None)
        check_exposure(host, TOKEN)


def test_usage_errors_come_before_everything(edgeecho: Any, tmp_path: Path) -> None:
    for words, reason in (
        (["--host", "0.0.0.0"], "lets other machines in"),
        (["--tls-cert", tmp_path], "belong together"),
        (["--clips", "many"], "clip mode"),
        (["--host", "absent.invalid", "--token-file", tmp_path / "t"], "cannot listen"),
    ):
        (tmp_path / "t").write_text(TOKEN)
        (tmp_path / "t").chmod(0o600)
        done = edgeecho("serve", "--state", tmp_path / "state", *words)
        assert done.returncode == 2, done.stderr
        assert reason in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "state").exists()


def test_it_speaks_tls(tmp_path: Path) -> None:
    cert, key, token = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "token"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    token.write_text(TOKEN)
    token.chmod(0o600)
    words = ["--host", "0.0.0.0", "--token-file", token, "--tls-cert", cert, "--tls-key", key]
    service = Process(tmp_path / "state", *words)
    assert service.url.startswith("https://")
    assert TOKEN not in service.words
    with service.client(verify=ssl.create_default_context(cafile=str(cert))) as client:
        client.headers.update(BEARER)
        assert client.ended(client.post_file(PHANTOMS[0].read_bytes())["id"])["finished"]
        with pytest.raises(httpx.HTTPError):
            httpx.get(service.url.replace("https", "http") + "/health")
    assert service.stop() == 0


def test_tls_files_that_do_not_fit(edgeecho: Any, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    done = edgeecho(
        "serve", "--state", tmp_path / "s", "--port", 0, "--tls-cert", bad, "--tls-key", bad
    )
    assert done.returncode == 2
    assert "cannot be used" in done.stderr


def test_without_the_extra_one_line_says_what_to_install(
    edgeecho: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeecho.common.plugins.missing_of_extra", lambda extra: ("fastapi",))
    done = edgeecho("serve")
    assert done.returncode == 4
    assert "pip install 'edgeecho[serve]'" in done.stderr


def test_nothing_of_a_patient_is_written_or_said(tmp_path: Path) -> None:
    dataset = dcmread(str(get_path("ybr_color")))
    for keyword in ("PatientName", "PatientID", "InstitutionName", "ImageComments", "StudyID"):
        setattr(dataset, keyword, "MARKER")
    dataset.PatientBirthDate = dataset.StudyDate = "19010101"
    dataset.save_as(tmp_path / "MARKER.dcm")
    whole = (tmp_path / "MARKER.dcm").read_bytes()
    service = Process(tmp_path / "state")
    said = ""
    with service.client() as client:
        for data in (whole, whole[:3000], whole[: len(whole) // 2]):
            assert b"MARKER" in data
            job = client.ended(client.post_file(data)["id"])
            said += json.dumps(job)
            said += client.get(f"/api/v1/jobs/{job['id']}/trail").text
            for form in job["forms"]:
                said += client.get(f"/api/v1/jobs/{job['id']}/result.{form}").text
        said += client.get("/metrics").text
    assert service.stop() == 0
    said += service.words
    written = b"".join(p.read_bytes() for p in (tmp_path / "state").rglob("*") if p.is_file())
    for mark in ("MARKER", "19010101"):
        assert mark not in said
        assert mark.encode() not in written


def test_a_body_that_is_no_upload_is_small_and_comes_soon(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeecho.service.http.guard._BODY_S", 0.5)
    service = start()
    path = f"/api/v1/jobs/{'0' * 32}/review"
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 1 << 16
            yield b" " * (1 << 16)

    def slow() -> Iterator[bytes]:
        yield b"{"
        time.sleep(1.5)
        yield b"}"

    headers = {"Content-Type": "application/json"}
    with service.client() as client:
        with suppress(httpx.WriteError, httpx.RemoteProtocolError):  # it stops listening
            assert client.post(path, content=endless(), headers=headers).status_code == 413
        assert sent < 20_000_000, "the rest stays in the client and in the system's buffers"
        assert client.post(path, content=slow(), headers=headers).status_code == 408
        assert client.get("/ready").status_code == 200
