"""What goes wrong at the bedside: clients, disks, engines and the service itself."""

from __future__ import annotations

import socket
import time
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import media
import pytest
from crashing import CrashOnReadTask, HangingTask
from processes import wait
from served import PHANTOMS, Thread

from edgeecho.common.errors import OutputError
from edgeecho.service.http.settings import HttpSettings

pytestmark = pytest.mark.slow

VIDEO = PHANTOMS[0].read_bytes()


def connect(url: str, head: str, body: bytes = b"") -> socket.socket:
    """A client that speaks for itself."""
    host, port = url.removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)), timeout=30)
    client.sendall(f"{head}\r\nHost: {host}:{port}\r\n\r\n".encode() + body)
    return client


def heard(client: socket.socket) -> bytes:
    """Everything until the service closes."""
    said = b""
    while piece := client.recv(1 << 16):
        said += piece
    return said


def upload(length: int, *more: str) -> str:
    return "\r\n".join(["POST /api/v1/jobs HTTP/1.1", f"Content-Length: {length}", *more])


def peak_mb(pid: int | None) -> float:
    """Most memory that a process had so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def nothing_is_left(service: Thread) -> bool:
    return service.files() == [] and service.store.queue.latest(9) == []


def test_a_client_that_is_gone_leaves_nothing(start: Any) -> None:
    service = start()
    client = connect(service.url, upload(10_000_000), b"x" * 2_000_000)
    wait(service.files)
    client.close()
    wait(lambda: nothing_is_left(service))
    with service.client() as good:
        assert good.ended(good.post_file(VIDEO)["id"])["finished"]


@pytest.mark.parametrize("pause", [None, 0.1])
def test_a_slow_client_is_given_up(start: Any, pause: float | None) -> None:
    service = start(HttpSettings(silence_s=0.5, upload_s=1.0))
    client = connect(service.url, upload(1_000_000), b"x")
    begin = time.monotonic()
    while pause and time.monotonic() - begin < 0.9:
        client.sendall(b"x")
        time.sleep(pause)
    said = heard(client)
    assert said.startswith(b"HTTP/1.1 408")
    assert b"too slowly" in said
    assert time.monotonic() - begin < 10
    wait(lambda: nothing_is_left(service))


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nX: "])
def test_a_connection_that_asks_for_nothing_is_closed(
    start: Any, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr("edgeecho.service.http.server._IDLE_S", 0.3)
    service = start()
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(said)
        assert client.recv(1) == b""


def test_a_file_that_is_too_large_is_not_taken(start: Any) -> None:
    service = start(HttpSettings(most_bytes=100_000))
    with service.client() as client:
        for content in (b"x" * 100_001, iter([b"x" * 60_000] * 2)):
            answer = client.post("/api/v1/jobs", content=content)
            assert answer.status_code == 413
            assert "0.1 MB" in answer.json()["detail"]
        wait(lambda: nothing_is_left(service))
        client.post_file(b"x" * 100_000)


def test_no_body_is_read_where_the_queue_is_full(start: Any) -> None:
    service = start(task=HangingTask, most_waiting=1)
    with service.client() as client:
        running = client.post_file(b"please hang")
        wait(lambda: client.job(running["id"])["status"] == "running")
        waiting = client.post_file(b"please hang")
        answer = client.post("/api/v1/jobs", content=VIDEO)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) >= 1
        asked = connect(service.url, upload(10_000_000, "Expect: 100-continue"))
        assert asked.recv(1 << 16).startswith(b"HTTP/1.1 429")
        assert len(service.files()) == 2
        for job in (waiting, running):
            assert client.delete(f"/api/v1/jobs/{job['id']}").json()["status"] == "cancelled"
        assert client.ended(client.post_file(VIDEO)["id"])["status"] in ("answered", "refused")


def test_files_on_their_way_have_a_place_too(start: Any) -> None:
    service = start(most_waiting=2)
    slow = [connect(service.url, upload(1000), b"x") for _ in range(2)]
    wait(lambda: len(service.files()) == 2)
    with service.client() as client:
        assert client.post("/api/v1/jobs", content=VIDEO).status_code == 429
        for one in slow:
            one.close()
        wait(lambda: client.post("/api/v1/jobs", content=VIDEO).status_code == 202)


def test_a_full_disk_is_said_and_survived(
    start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = start()
    part = tmp_path / "part"
    part.symlink_to("/dev/full")
    with service.client() as client:
        with monkeypatch.context() as patch:
            patch.setattr(service.store.queue, "new_file", lambda: part)
            answer = client.post("/api/v1/jobs", content=VIDEO)
        assert answer.status_code == 507
        assert str(tmp_path) not in answer.text
        assert not part.is_symlink()
        assert service.store.queue.latest(9) == []
        with monkeypatch.context() as patch:
            patch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))
            assert client.post("/api/v1/jobs", content=VIDEO).status_code == 507
        assert service.files() == []
        assert client.ended(client.post_file(VIDEO)["id"])["finished"]


def test_an_answer_waits_for_room_on_the_disk(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeecho.service.jobs.room._WAIT_S", 0.05)
    service = start()
    end, tries = service.store.queue.end, []

    def full(*args: Any, **options: Any) -> bool:
        tries.append(args)
        if len(tries) < 4:
            raise OutputError("the disk is full")
        return end(*args, **options)

    monkeypatch.setattr(service.store.queue, "end", full)
    with service.client() as client:
        job = client.post_file(VIDEO)["id"]
        assert client.ended(job)["status"] in ("answered", "refused")
        wait(lambda: client.get("/ready").status_code == 200)
    assert len(tries) == 4


def test_lying_headers_and_bombs_cost_no_memory(start: Any, tmp_path: Path) -> None:
    service = start(most_mb=50)
    jpegs = media.jpegs()[:3]
    huge = media.write_avi(tmp_path / "a.avi", jpegs, (60_000, 60_000)).read_bytes()
    many = media.write_avi(tmp_path / "b.avi", jpegs, claimed=2_000_000_000).read_bytes()
    meta = bytes.fromhex("0200100055491600") + b"1.2.840.10008.1.2.1.99"
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = b"".join(deflate.compress(bytes(10_000_000)) for _ in range(40)) + deflate.flush()
    bomb = bytes(128) + b"DICM" + meta + zeros
    assert len(bomb) < 1_000_000
    with service.client() as client:
        client.ended(client.post_file(VIDEO)["id"])  # the decoders are loaded
        before = peak_mb(service.engine_pid())
        for data in (huge, many, bomb):
            job = client.ended(client.post_file(data)["id"])
            assert job["status"] in ("failed", "refused"), job
            assert job["summary"] is None or job["summary"]["ef"] is None
        assert peak_mb(service.engine_pid()) - before < 200
        # Nobody unpacks what a header says is packed.
        packed = client.post_file(zlib.compress(bytes(10_000_000)), headers={
            "Content-Encoding": "deflate"})  # fmt: skip
        assert packed["size"] < 20_000
        assert client.ended(packed["id"])["status"] == "failed"
        assert client.ended(client.post_file(VIDEO)["id"])["status"] in ("answered", "refused")


def test_a_decoder_that_crashes_costs_one_job(start: Any) -> None:
    service = start(task=CrashOnReadTask)
    with service.client() as client:
        crashed = client.ended(client.post_file(b"please crash")["id"])
        assert (crashed["status"], crashed["summary"]) == ("failed", None)
        assert "SIGKILL" in crashed["error"]
        assert client.ended(client.post_file(VIDEO)["id"])["status"] in ("answered", "refused")


def test_a_job_that_takes_too_long_is_ended(start: Any) -> None:
    service = start(task=HangingTask, limit_s=0.5)
    with service.client() as client:
        late = client.ended(client.post_file(b"please hang")["id"])
        assert "not answered within 0.5 s" in late["error"]
