"""A node that answers, for the tests of one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

for _name in ("pynetdicom", "highdicom"):
    pytest.importorskip(_name)

from dicom_net import Service  # noqa: E402
from listening import Listening  # noqa: E402

from edgeecho.service.dicom import Node, NodeSettings  # noqa: E402


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Results go to `sr` beside `state`."""
    folder = tmp_path_factory.mktemp("node")
    service = Service.start(folder / "state", folder / "sr")
    yield service
    service.close()


@pytest.fixture
def beside(service: Service, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Make another node on the same store and engine: `beside(**settings)`."""
    nodes: list[Node] = []

    def make(**settings: Any) -> Service:
        given = {"results": tmp_path / "sr", "port": 0, "quiet_s": 0, **settings}
        nodes.append(Node(service.store, service.runner, NodeSettings(**given)))
        nodes[-1].start()
        return Service(service.store, service.runner, nodes[-1])

    yield make
    for node in nodes:
        node.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Make a node of one's own: `serve(results, **settings)`."""
    services: list[Service] = []

    def make(results: Any = None, *, state: str = "state", **settings: Any) -> Service:
        services.append(Service.start(tmp_path / state, results or tmp_path / "sr", **settings))
        return services[-1]

    yield make
    for service in services:
        service.close()


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Callable[..., Listening]]:
    started: list[Listening] = []

    def start(*options: object, **more: Any) -> Listening:
        started.append(Listening(tmp_path, *options, **more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()
