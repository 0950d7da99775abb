"""A service for the tests of a file, and ones with other settings for a single test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Browser, open_browser
from kept import KeptEngine

pytest.importorskip("fastapi")
served = pytest.importorskip("served")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """In a process; stopped as an init system stops it."""
    process = served.Process(tmp_path_factory.mktemp("serve") / "state")
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.words


@pytest.fixture(autouse=True, scope="module")
def nothing_runs_on() -> Iterator[None]:
    """Also where a test failed before it stopped its service."""
    yield
    while served.Process.started:
        served.Process.started.pop().kill()


@pytest.fixture(scope="module")
def client(service: Any) -> Iterator[Any]:
    with service.client() as client:
        yield client


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """`start(settings, most_waiting=..., task=...)`: a service in this process."""
    monkeypatch.setattr("edgeecho.service.http.service.EngineProcess", KeptEngine)
    threads = []

    def make(*args: Any, **options: Any) -> Any:
        threads.append(served.Thread(tmp_path / f"state{len(threads)}", *args, **options))
        return threads[-1]

    yield make
    for thread in threads:
        thread.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium; see `open_browser`."""
    yield from open_browser(tmp_path_factory.mktemp("chromium"))
