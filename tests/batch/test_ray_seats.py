"""How many workers the nodes of a Ray get, and what is refused before one is looked for."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tabled import PHANTOMS
from tasks import task

from edgeecho.batch.ray_actor import Actor
from edgeecho.batch.ray_seats import Seating
from edgeecho.common.about import VERSION


def node(cores: float, gpus: float = 0) -> dict[str, Any]:
    resources = {"CPU": cores, "memory": 1e9} | ({"GPU": gpus} if gpus else {})
    return {"NodeID": "n", "NodeManagerHostname": "h", "Resources": resources}


@pytest.mark.parametrize(
    ("engine", "workers", "cores", "gpus", "expected"),
    [
        # (workers, threads, share of a GPU)
        ("auto", 0, 4, 0, (4, 1, 0)), ("auto", 2, 4, 0, (2, 2, 0)), ("auto", 9, 4, 0, (4, 1, 0)),
        ("openvino", 0, 4, 2, (4, 1, 0)), ("auto", 0, 0, 0, (0, 0, 0)),
        ("tensorrt", 0, 16, 2, (2, 8, 1)), ("tensorrt", 4, 16, 2, (4, 4, 0.5)),
        ("tensorrt", 1, 16, 2, (1, 16, 1)), ("tensorrt", 0, 16, 0, (0, 0, 0)),
    ],
)  # fmt: skip
def test_a_node_has_seats_for_its_cores_or_gpus(
    engine: str, workers: int, cores: int, gpus: int, expected: tuple[int, int, float]
) -> None:
    seats = Seating.of(engine, workers).seats(node(cores, gpus))
    count, threads, share = expected
    assert len(seats) == count
    assert {(seat.threads, seat.gpus) for seat in seats} == ({(threads, share)} if seats else set())
    assert [seat.index for seat in seats] == list(range(count))


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "head:", ":6379", "head:x"])
def test_other_addresses_are_refused(edgeecho: Any, tmp_path: Path, address: str) -> None:
    words = ["cohort", PHANTOMS[0].parent, "--out", tmp_path / "t", "--format", "csv"]
    done = edgeecho(*words, "--ray", address)
    assert done.returncode == 2
    assert f"--ray {address} is no address of a Ray: give HOST:PORT" in done.stderr


def test_an_address_where_nothing_answers_is_said_at_once(edgeecho: Any, tmp_path: Path) -> None:
    words = ["cohort", PHANTOMS[0].parent, "--out", tmp_path / "t", "--format", "csv"]
    done = edgeecho(*words, "--ray", "127.0.0.1:1")
    assert done.returncode == 4
    assert "--ray 127.0.0.1:1: nothing answers there" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_it_says_what_to_install(edgeecho: Any, tmp_path: Path) -> None:
    words = ["cohort", PHANTOMS[0].parent, "--out", tmp_path / "t", "--format", "csv"]
    done = edgeecho(*words, "--ray", "local")
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1] == (
        "edgeecho: --ray needs Ray: pip install 'edgeecho[ray]', or leave --ray out"
    )


def test_a_node_with_another_edgeecho_or_other_files_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It keeps to its share of the cores, which this process would not get back.
    monkeypatch.setattr("edgeecho.batch.ray_actor.settle", lambda share, threads: None)
    marker = tmp_path / "t" / "marker"
    actor = Actor(task(), 0, 1)
    assert str(actor.load("0.0", marker)) == f"it has edgeecho {VERSION}, not 0.0: install the same"
    assert f"it does not see {marker.parent}" in str(actor.load(VERSION, marker))
    marker.parent.mkdir()
    marker.touch()
    other = replace(task().model, sha256="0" * 64)
    error = Actor(replace(task(), model=other), 0, 1).load(VERSION, marker)
    assert "was changed after export" in str(error)
    assert str(actor.load(VERSION, marker)).startswith("openvino ")


def test_a_file_that_only_the_driver_sees_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeecho.batch.ray_actor.settle", lambda share, threads: None)
    actor = Actor(task(), 0, 1)
    assert isinstance(actor.load(VERSION, Path(__file__)), str)
    place, outcome = actor.answer((3, tmp_path / "a.avi"), seen=True)
    assert (place, outcome.answer.exit_code) == (3, 4)  # type: ignore[union-attr]
    assert "does not find it" in outcome.answer.message  # type: ignore[union-attr]
    _, outcome = actor.answer((3, tmp_path / "a.avi"), seen=False)
    assert outcome.answer.exit_code == 3  # type: ignore[union-attr]
    assert str(tmp_path) not in outcome.answer.message  # type: ignore[union-attr]
