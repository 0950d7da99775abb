"""Fifty senders at once, and senders that only stay."""

from __future__ import annotations

import os
import time
from pathlib import Path

from dicom_net import SUCCESS, Scanner, Service, in_threads, write_cine


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


def test_idle_associations_cost_little(service: Service) -> None:
    """pynetdicom alone takes most of a core for fifty."""
    scanners = [Scanner(service.node.port) for _ in range(10)]
    for scanner in scanners:  # only the acceptor's side is ours
        scanner.association.dul._run_loop_delay = 0.5
        scanner.association._reactor_checkpoint.clear()
    time.sleep(0.6)
    begin = os.times()
    time.sleep(1)
    end = os.times()
    used = end.user - begin.user + end.system - begin.system
    for scanner in scanners:
        scanner.association._reactor_checkpoint.set()
        scanner.association.dul._run_loop_delay = 0.001
        scanner.association.abort()
    assert used < 0.5
