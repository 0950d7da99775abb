"""A disk that is full: nothing is taken that could not be answered, and whoever asks is told."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import wait
from served import PHANTOMS, Process
from small_disk import small_disk

from edgeecho.service.jobs.room import RESERVE_BYTES

pytestmark = pytest.mark.slow

VIDEO = PHANTOMS[0].read_bytes()


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", request.param) as folder:
        yield folder


@pytest.mark.parametrize("disk", ["3m"], indirect=True)
def test_a_disk_that_is_too_small_takes_nothing_and_says_so(disk: Path) -> None:
    service = Process(disk / "state")
    with service.client() as client:
        for _ in range(5):
            answer = client.post("/api/v1/jobs", content=VIDEO)
            assert answer.status_code == 507
            assert answer.headers["content-type"] == "application/problem+json"
            assert "make room, then send it again" in answer.json()["detail"]
            assert str(disk) not in answer.text
        ready = client.get("/ready")
        assert (ready.status_code, client.get("/health").status_code) == (503, 200)
        assert "disk is full" in ready.json()["detail"]
        assert "\nedgeecho_ready 0.0\n" in client.get("/metrics").text
        assert list((disk / "state" / "files").iterdir()) == []
    assert service.stop() == 0
    assert service.words.count("almost full") == 1
    assert "Traceback" not in service.words


@pytest.mark.parametrize("disk", ["48m"], indirect=True)
def test_what_is_taken_is_answered_though_the_disk_is_full(disk: Path) -> None:
    service = Process(disk / "state", "--queue", 1000)
    with service.client() as client:
        os.kill(service.engine_pid(), signal.SIGSTOP)  # so that nothing is freed meanwhile
        taken, answer = [], client.post("/api/v1/jobs", content=VIDEO)
        while answer.status_code == 202:
            taken.append(answer.json()["id"])
            answer = client.post("/api/v1/jobs", content=VIDEO)
        assert answer.status_code == 507
        assert 3 <= len(taken) <= 30
        assert client.get("/ready").status_code == 503
        # A body that does not say how long it is.
        answer = client.post("/api/v1/jobs", content=iter([bytes(1 << 20)] * 30))
        assert answer.status_code == 507
        others = disk / "of-others"
        others.write_bytes(bytes(RESERVE_BYTES // 2))
        os.kill(service.engine_pid(), signal.SIGCONT)
        for job in taken:
            assert client.ended(job)["status"] in ("answered", "refused")
        assert client.get("/ready").status_code == 503, "there is no room for more"
        others.unlink()
        wait(lambda: client.get("/ready").status_code == 200)
        assert client.ended(client.post_file(VIDEO)["id"])["finished"]
    assert service.stop() == 0
    assert service.words.count("almost full") == 1
    assert service.words.count("there is room again") == 1
    assert "Traceback" not in service.words


@pytest.mark.parametrize("disk", ["48m"], indirect=True)
def test_a_disk_that_others_fill_is_said_once_and_costs_no_answer(disk: Path) -> None:
    service = Process(disk / "state")
    with service.client() as client:
        client.ended(client.post_file(VIDEO)["id"])
        os.kill(service.engine_pid(), signal.SIGSTOP)
        job = client.post_file(VIDEO)["id"]
        wait(lambda: client.job(job)["status"] == "running")
        others = disk / "of-others"
        with others.open("wb", buffering=0) as file:  # to the last byte
            while free(disk):
                file.write(bytes(min(free(disk), 1 << 20)))
        os.kill(service.engine_pid(), signal.SIGCONT)
        wait(lambda: "nothing is answered until the disk can be written" in service.words)
        wait(lambda: client.get("/ready").status_code == 503)
        assert client.job(job)["status"] == "running"
        others.unlink()
        assert client.ended(job)["status"] in ("answered", "refused")
        wait(lambda: client.get("/ready").status_code == 200)
    assert service.stop() == 0
    assert service.words.count("nothing is answered until the disk") == 1
    assert service.words.count("the disk can be written again") == 1
    assert "Traceback" not in service.words


def free(disk: Path) -> int:
    about = os.statvfs(disk)
    return about.f_bavail * about.f_frsize
