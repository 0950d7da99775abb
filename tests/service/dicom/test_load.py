"""Fifty senders at once, and senders that only stay."""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from typing import Any

import pytest
from dicom_net import SUCCESS, Scanner, Service, in_threads, write_cine

from edgeecho.service.dicom import connection
from edgeecho.service.dicom.guard import guard


@pytest.mark.slow
def test_fifty_at_once_none_lost_none_doubled(service: Service, tmp_path: Path) -> None:
    paths = [write_cine(tmp_path / f"{n}.dcm", 100 + n, frames=34) for n in range(50)]
    before = {job.id for job in service.store.queue.latest(1000)}

    def send(number: int) -> tuple[int, str]:
        with Scanner(service.node.port) as scanner:
            return scanner.store(paths[number])

    assert in_threads(send, 50) == [(SUCCESS, "")] * 50
    jobs = [job for job in service.store.queue.latest(1000) if job.id not in before]
    assert len(jobs) == len({job.sha256 for job in jobs}) == 50
    service.wait(lambda: all(service.store.queue.get(job.id).ended for job in jobs))
    assert {service.store.queue.get(job.id).status for job in jobs} <= {"answered", "refused"}


@pytest.mark.slow
def test_an_idle_association_waits_in_the_kernel_at_each_look(
    beside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pynetdicom alone looks a thousand times a second, and takes most of a core for fifty."""
    looks = dict.fromkeys(("provider", "user"), 0)
    waits: dict[str, list[float | None]] = {"provider": [], "user": []}
    enough = threading.Event()

    def counted(who: str, look: Any) -> Any:
        def looked(*args: Any, **options: Any) -> Any:
            looks[who] += 1
            if min(looks.values()) > 20:
                enough.set()
            return look(*args, **options)

        return looked

    class Waiting(queue.Queue[Any]):
        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            waits["user"].append(timeout if block else 0)
            return super().get(block, timeout)

    def wait(connections: list[Any], timeout: float | None = None) -> list[Any]:
        waits["provider"].append(timeout)
        return kernel_wait(connections, timeout)

    def guarded(association: Any, *rest: Any) -> None:
        guard(association, *rest)
        association.dimse.msg_queue = Waiting()
        dul = association.dul
        dul._process_recv_primitive = counted("provider", dul._process_recv_primitive)
        association.dimse.get_msg = counted("user", association.dimse.get_msg)

    kernel_wait = connection.wait
    monkeypatch.setattr(connection, "wait", wait)
    monkeypatch.setattr("edgeecho.service.dicom.association.guard", guarded)
    service = beside()
    with Scanner(service.node.port):
        assert enough.wait(60)
    service.wait(lambda: not service.node._listener.active_associations)
    assert set(waits["provider"]) == set(waits["user"]) == {connection.TICK_S}
    assert connection.TICK_S >= 0.01
    assert len(waits["user"]) == looks["user"]
    # It does not wait where there is something to send, and may again as it hangs up.
    assert abs(looks["provider"] - len(waits["provider"])) < 5
