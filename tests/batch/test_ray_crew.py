"""The crew of a Ray, with nodes that are of no use: a Ray that only pretends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tasks import task

from edgeecho.batch import FORMATS, Table, on_ray, open_table
from edgeecho.batch.ray_crew import RayCrew
from edgeecho.batch.ray_seats import Seating
from edgeecho.batch.workers import answer_in_workers
from edgeecho.common.errors import EdgeEchoError, EngineError
from edgeecho.results import Failure, Outcome

CPU = "openvino 1, f32, on a CPU"


class Lost(Exception):  # noqa: N818
    """Stands for `ray.exceptions.RayError`."""


class PretendedRay:
    """Nodes by name, and what an actor on each says when it has loaded the model."""

    def __init__(self, **says: EdgeEchoError | str) -> None:
        self.says, self.exceptions = says, SimpleNamespace(RayError=Lost, RayTaskError=KeyError)
        self.killed: list[str] = []
        self.answered: list[str] = []
        self._node = ""
        strategies = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: node)
        self.util = SimpleNamespace(scheduling_strategies=strategies)

    def nodes(self) -> list[dict[str, Any]]:
        resources = {"CPU": 1.0}
        return [
            {"NodeID": name, "NodeManagerHostname": name, "Resources": resources, "Alive": True}
            for name in self.says
        ]

    def remote(self, _actor: type) -> Any:
        return SimpleNamespace(options=self._options)

    def _options(self, **options: Any) -> Any:
        return SimpleNamespace(remote=lambda *_: self._actor(options["scheduling_strategy"]))

    def _actor(self, node: str) -> Any:
        def answer(asked: tuple[int, Path], *, seen: bool) -> list[Any]:
            self.answered.append(node)
            return [(asked[0], Outcome(asked[1].name, Failure("as asked", 3)))]

        def method(call: Any) -> Any:
            return SimpleNamespace(remote=call)

        return SimpleNamespace(
            node=node,
            here=method(lambda: _Once(None)),
            load=method(lambda *_: _Once(self.says[node])),
            answer=method(lambda asked, *, seen: _Once(answer(asked, seen=seen)[0])),
        )

    def wait(
        self, refs: list[Any], *, num_returns: int = 1, timeout: float
    ) -> tuple[list[Any], list[Any]]:
        return refs, []

    def get(self, ref: _Once) -> Any:
        return ref.value

    def kill(self, actor: Any) -> None:
        self.killed.append(actor.node)


class _Once:
    def __init__(self, value: Any) -> None:
        self.value = value


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    with open_table(tmp_path / "t", FORMATS["csv"], task(), paths=False) as table:
        yield table


def answers(ray: PretendedRay, table: Table) -> list[int]:
    crew = RayCrew(ray, task(), Seating(), table)
    files = [(number, Path(f"v{number}.avi")) for number in range(4)]
    return sorted(place for place, _ in answer_in_workers(crew, files, 60, give_up=True))


def test_a_node_that_would_answer_with_another_engine_is_passed_over(
    table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    ray = PretendedRay(a=CPU, b="openvino 1, f32, on another CPU")
    assert answers(ray, table) == [0, 1, 2, 3]
    assert set(ray.answered) == {"a"}
    told = capsys.readouterr().err
    assert "b is passed over: it would answer with openvino 1, f32, on another CPU" in told
    assert sorted(ray.killed) == ["a", "b"]


def test_a_table_is_gone_on_with_by_its_own_engine_only(table: Table) -> None:
    table.engine = "openvino 0, f32, on a CPU"
    with pytest.raises(EngineError, match="and the others, or the table, with openvino 0"):
        answers(PretendedRay(a=CPU), table)


def test_a_node_that_cannot_load_the_model_is_passed_over(
    table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    ray = PretendedRay(a=EngineError("it has edgeecho 0.0"), b=CPU)
    assert answers(ray, table) == [0, 1, 2, 3]
    assert "a is passed over: it has edgeecho 0.0" in capsys.readouterr().err


def test_it_waits_for_nodes_but_not_for_ever(
    table: Table, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edgeecho.batch.ray_crew.PATIENCE_S", 0.1)
    monkeypatch.setattr("edgeecho.batch.ray_crew._LOOK_S", 0.05)
    with pytest.raises(EngineError, match="Ray has had no node with a core: start some"):
        answers(PretendedRay(), table)
    assert capsys.readouterr().err == "Ray has no node with a core: waiting for one\n"


def test_a_crew_needs_an_address(table: Table) -> None:
    with pytest.raises(EdgeEchoError, match="no address of a Ray"), on_ray("x", task(), 0, table):
        pass
