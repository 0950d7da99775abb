"""What files are asked, tried again and given up, with a crew that does as it is told."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from edgeecho.batch.crew import Ended, Loaded, Told, Worker
from edgeecho.batch.worker import Asked
from edgeecho.batch.workers import answer_in_workers
from edgeecho.common.errors import EdgeEchoError, EngineError
from edgeecho.results import Failure, Outcome

NODE = Ended("its node was lost", with_machine=True)


class Scripted:
    """Worker `k` answers what `says[k]` says, in order, and `Outcome`s when that is over."""

    def __init__(self, *says: list[Told], seats: int = 1) -> None:
        self._says, self._seats, self._hired = list(says), seats, 0
        self.asked: list[int] = []
        self.passed: list[str] = []
        self.replaced: list[bool] = []
        self.dismissed = 0

    def hire(self) -> Iterator[Worker]:
        while self._seats:
            self._seats -= 1
            says = self._says[self._hired] if self._hired < len(self._says) else [Loaded()]
            self._hired += 1
            yield Worker(self._hired, list(says))

    def ask(self, worker: Worker, asked: Asked) -> None:
        self.asked.append(asked[0])

    def listen(
        self, workers: Collection[Worker], seconds: float | None
    ) -> Iterator[tuple[Worker, Told]]:
        for worker in list(workers):
            if worker.handle:
                yield worker, worker.handle.pop(0)
            elif worker.asked:
                place, file = worker.asked
                yield worker, (place, Outcome(file.name, Failure("as asked", 3)))

    def end(self, worker: Worker) -> None:
        worker.handle.clear()

    def lost(self, worker: Worker, *, replace: bool) -> None:
        self.replaced.append(replace)
        self._seats += replace

    def passes_over(self, worker: Worker, error: EdgeEchoError) -> bool:
        self.passed.append(str(error))
        return True

    def dismiss(self, workers: Collection[Worker], *, at_once: bool) -> None:
        self.dismissed = len(workers)


def messages(crew: Scripted, files: int = 2) -> dict[int, str]:
    asked = [(number, Path(f"v{number}.avi")) for number in range(files)]
    found = dict(answer_in_workers(crew, asked, 60, give_up=True))
    return {k: o.answer.message for k, o in found.items() if isinstance(o.answer, Failure)}


def test_a_lost_node_is_not_the_fault_of_its_file() -> None:
    crew = Scripted(*[[Loaded(), NODE] for _ in range(4)])
    assert messages(crew) == {0: "as asked", 1: "as asked"}
    # Each loss costs the file that was in flight, which waits until the others are through.
    assert crew.asked == [0, 1, 0, 1, 0, 1]
    assert crew.replaced == [True] * 4
    assert crew.dismissed == 1


def test_a_file_with_which_five_nodes_were_lost_is_given_up() -> None:
    crew = Scripted(*[[Loaded(), NODE] for _ in range(5)])
    (message,) = messages(crew, files=1).values()
    assert "v0.avi: the process that answered it was ended (its node was lost), 5 times" in message


def test_losses_of_nodes_and_of_processes_are_counted_apart() -> None:
    crew = Scripted(
        [Loaded(), NODE],
        [Loaded(), Ended("SIGKILL")],
        [Loaded(), NODE],
        [Loaded(), Ended("SIGKILL")],
    )
    (message,) = messages(crew, files=1).values()
    assert "was ended (SIGKILL), 2 times" in message


def test_a_node_that_is_lost_while_it_loads_the_model_is_replaced() -> None:
    assert messages(Scripted([NODE], [NODE])) == {0: "as asked", 1: "as asked"}


def test_a_process_that_ends_while_it_loads_the_model_is_not() -> None:
    with pytest.raises(EngineError, match=r"ended \(SIGKILL\) while it loaded the model"):
        messages(Scripted([Ended("SIGKILL")]))


def test_the_others_go_on_without_a_worker_that_cannot_load_the_model() -> None:
    crew = Scripted([EngineError("another edgeecho")], [Loaded()], seats=2)
    assert messages(crew) == {0: "as asked", 1: "as asked"}
    assert crew.passed == ["another edgeecho"]


def test_the_last_such_error_ends_it() -> None:
    crew = Scripted([EngineError("another edgeecho")], [EngineError("no model")], seats=2)
    with pytest.raises(EngineError, match="no model"):
        messages(crew)
    assert crew.passed == ["another edgeecho"]
