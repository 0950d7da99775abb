"""Connections that ask for nothing, ask slowly, or do not take their answer."""

from __future__ import annotations

import selectors
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from processes import wait
from served import PHANTOMS, Process

pytestmark = pytest.mark.slow

VIDEO = PHANTOMS[0].read_bytes()


def address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def connect(url: str, said: str = "", *, source: str = "127.0.0.1") -> socket.socket:
    """A client that speaks for itself."""
    client = socket.create_connection(address(url), timeout=30, source_address=(source, 0))
    client.sendall(said.encode())
    return client


def request(url: str, line: str, *more: str) -> str:
    return "\r\n".join([f"{line} HTTP/1.1", f"Host: {url.removeprefix('http://')}", *more, "", ""])


def is_closed(client: socket.socket) -> bool:
    client.settimeout(0.05)
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def heard(client: socket.socket, text: bytes) -> None:
    """Read until that has come."""
    client.settimeout(60)
    said = b""
    while text not in said:
        piece = client.recv(1 << 16)
        assert piece, said
        said += piece


class Flood:
    """Sockets that say `said` and nothing more; one that is closed is opened again."""

    def __init__(self, url: str, count: int, said: bytes) -> None:
        self._to, self._count, self._said = address(url), count, said
        self._stopped, self.opened = threading.Event(), 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _open(self, selector: selectors.BaseSelector) -> None:
        client = socket.create_connection(self._to, timeout=30)
        client.sendall(self._said)
        client.setblocking(False)
        selector.register(client, selectors.EVENT_READ)
        self.opened += 1

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            while not self._stopped.is_set():
                missing = self._count - len(selector.get_map())
                for _ in range(min(missing, 50)):
                    self._open(selector)
                for key, _ in selector.select(0.01):
                    with suppress(BlockingIOError, ConnectionError):
                        if key.fileobj.recv(1 << 16):  # type: ignore[union-attr]
                            continue
                    selector.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(60)


@contextmanager
def flood(url: str, count: int, said: bytes = b"") -> Iterator[Flood]:
    flood = Flood(url, count, said)
    try:
        yield flood
    finally:
        flood.stop()


@pytest.mark.parametrize("said", [b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
def test_a_flood_of_silent_sockets_keeps_nobody_out(service: Any, said: bytes) -> None:
    """More than the service keeps; each that it closes comes again."""
    stream = connect(service.url, request(service.url, "GET /api/v1/events"))
    heard(stream, b"event: whole")
    with flood(service.url, 700, said) as silent:
        wait(lambda: silent.opened >= 1000)
        for _ in range(20):
            with service.client() as client:
                assert client.get("/health").status_code == 200
        with service.client() as client:
            job = client.post_file(VIDEO)
            assert client.ended(job["id"])["status"] in ("answered", "refused")
        heard(stream, job["id"].encode())
    stream.close()


@pytest.fixture
def start_with(start: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A service with other limits: `most_idle`, `idle_s`, `most_requests`."""

    def started(**limits: float) -> Any:
        for name, value in limits.items():
            monkeypatch.setattr(f"edgeecho.service.http.server._{name.upper()}", value)
        return start()

    return started


def test_the_flood_of_one_host_costs_another_nothing(start_with: Callable[..., Any]) -> None:
    service = start_with(most_idle=20, idle_s=60.0)
    others = [connect(service.url, source="127.0.0.2") for _ in range(5)]
    flooding = [connect(service.url) for _ in range(40)]
    wait(lambda: all(map(is_closed, flooding[:20])))
    assert not any(map(is_closed, others)), "they came first, and are fewer"
    for other in others:
        other.sendall(request(service.url, "GET /health").encode())
        heard(other, b"200 OK")
    for client in [*others, *flooding]:
        client.close()


def test_of_one_host_the_connection_that_waits_longest_gives_way(
    start_with: Callable[..., Any],
) -> None:
    """As behind a reverse proxy, where all clients have one address."""
    service = start_with(most_idle=10, idle_s=60.0)
    clients = [connect(service.url) for _ in range(10)]
    last = connect(service.url)
    wait(lambda: is_closed(clients[0]))
    assert not any(map(is_closed, [*clients[1:], last]))
    for client in [*clients, last]:
        client.close()


def test_event_streams_and_uploads_are_not_idle(start_with: Callable[..., Any]) -> None:
    service = start_with(most_idle=3, idle_s=1.0)
    stream = connect(service.url, request(service.url, "GET /api/v1/events"))
    heard(stream, b"event: whole")
    length = f"Content-Length: {len(VIDEO)}"
    upload = connect(service.url, request(service.url, "POST /api/v1/jobs", length))
    upload.sendall(VIDEO[:1000])
    wait(service.files)
    with flood(service.url, 20) as silent:
        wait(lambda: silent.opened > 40)
        time.sleep(2)
        upload.sendall(VIDEO[1000:])
        heard(upload, b"202 Accepted")
        heard(stream, b"event: job")
    stream.close()
    upload.close()


@pytest.mark.parametrize("before", ["", "GET /health"])
def test_headers_that_come_byte_by_byte_have_a_limit(
    start_with: Callable[..., Any], before: str
) -> None:
    service = start_with(idle_s=0.4)
    slow = connect(service.url)
    if before:
        slow.sendall(request(service.url, before).encode())
        heard(slow, b"200 OK")
    slow.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
    end = time.monotonic() + 20
    while not is_closed(slow):
        assert time.monotonic() < end, "it is still there"
        with suppress(ConnectionError):
            slow.sendall(b"x")
        time.sleep(0.05)


def test_a_client_that_does_not_begin_tls_has_a_limit(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run([*words, "-keyout", key, "-out", cert], check=True, capture_output=True)
    service = Process(tmp_path / "state", "--tls-cert", cert, "--tls-key", key)
    silent = socket.create_connection(("127.0.0.1", service.port))
    wait(lambda: is_closed(silent), 30)  # it would be a minute
    assert service.stop() == 0
    assert "Traceback" not in service.words


def test_a_client_that_does_not_take_its_answers_is_given_up(
    start_with: Callable[..., Any],
) -> None:
    service = start_with(idle_s=0.2)
    greedy = socket.socket()
    greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    greedy.connect(address(service.url))
    greedy.setblocking(False)
    asked = request(service.url, "GET /page.js").encode()
    end = time.monotonic() + 30
    with pytest.raises(ConnectionError):
        while time.monotonic() < end:
            with suppress(BlockingIOError):
                greedy.send(asked * 50)
            time.sleep(0.02)
    greedy.close()


def test_too_many_requests_at_once_are_told_so(start_with: Callable[..., Any]) -> None:
    service = start_with(most_requests=3)
    streams = [connect(service.url, request(service.url, "GET /api/v1/events")) for _ in range(3)]
    for stream in streams:
        heard(stream, b"event: whole")
    with service.client() as client:
        assert client.get("/health").status_code == 503
        streams.pop().close()
        wait(lambda: client.get("/health").status_code == 200, 20)
    for stream in streams:
        stream.close()
