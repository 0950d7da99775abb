"""The real command killed in the middle, and on a disk that is full."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from dicom_net import Archive, Scanner, in_threads, texts_of, write_cine
from listening import NARROW, Listening
from made_studies import studies
from processes import is_running, wait
from pydicom import Dataset

from edgeecho.service.jobs import JobStore


@pytest.mark.slow
def test_killed_again_and_again_every_clip_is_in_its_studys_last_report(
    listen: Callable[..., Listening], tmp_path: Path
) -> None:
    archive = Archive().up()
    count, of_study = 12, 3
    paths = [
        write_cine(
            tmp_path / f"{n}.dcm",
            n,
            frames=64,
            StudyInstanceUID=f"1.2.826.0.1.3680043.8.498.5.{n % 4}",
        )
        for n in range(1, count + 1)
    ]
    left, engines = set(range(count)), []
    try:
        for life in range(4):
            node = listen("--send-to", str(archive.destination), "--model", NARROW)
            last = life == 3
            in_threads(lambda place, port=node.port: _send(port, paths, left, place), 4)
            engines += node.children()
            if not last:
                time.sleep(0.3 * life)  # in the middle of receiving, answering, sending
                node.kill()
        assert not left, "each was accepted in some life"
        wait(lambda: [*map(_clips, _last(archive.got))] == [of_study] * 4)
        time.sleep(0.5)
        assert node.stop() == 0
    finally:
        archive.down()
    # The same report twice at most where it was killed before it could note that it had sent it.
    uids = {report.SOPInstanceUID for report in archive.got}
    assert len(archive.got) <= len(uids) + 3
    store = JobStore(tmp_path / "state")
    jobs = store.queue.latest(100)
    assert len(jobs) == count
    for job in jobs:
        assert [entry.event for entry in store.trail.entries(job.id)] == ["received", job.status]
        assert job.status in ("answered", "refused")
    versions = studies(store)
    assert len(versions) == len(uids)
    for job in versions:
        told = [entry.event for entry in store.trail.entries(job.id)]
        assert told == ["received", job.status, "delivered"]
    wait(lambda: not any(map(is_running, engines)), 20)


def _last(reports: list[Dataset]) -> list[Dataset]:
    """The last version of each study's."""
    found = {}
    for report in sorted(reports, key=lambda one: int(one.InstanceNumber)):
        found[report.StudyInstanceUID] = report
    return list(found.values())


def _clips(report: Dataset) -> int:
    return sum(text.startswith("clip ") and text.endswith(": LVEF") for text in texts_of(report))


def _send(port: int, paths: list[Path], left: set[int], first: int) -> None:
    """Every fourth of those that were not accepted yet, as far as it goes."""
    with suppress(AssertionError), Scanner(port) as scanner:
        for place in sorted(left):
            if place % 4 == first and scanner.store(paths[place])[0] == 0:
                left.discard(place)


_MOUNT = 'mount -t tmpfs -o size=48m none {folder}/state && exec "$@"'


def _can_mount() -> bool:
    words = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]
    try:
        return subprocess.run(words, capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@pytest.mark.slow
@pytest.mark.skipif(not _can_mount(), reason="no file system can be mounted here")
def test_a_disk_that_is_full_is_out_of_resources(
    listen: Callable[..., Listening], tmp_path: Path
) -> None:
    """48 MB, of which 32 stay free; the engine is stopped, so that nothing is freed meanwhile."""
    (tmp_path / "state").mkdir()
    mount = ("unshare", "-rm", "sh", "-c", _MOUNT.format(folder=tmp_path), "sh")
    node = listen("--out", tmp_path / "sr", before=mount)
    engine = max(node.children())
    os.kill(engine, signal.SIGSTOP)
    paths = [write_cine(tmp_path / f"{n}.dcm", n, frames=100) for n in range(1, 50)]
    with Scanner(node.port) as scanner:
        answers = [scanner.store(path) for path in paths]
        accepted = [status for status, _ in answers].count(0)
        assert 3 < accepted < 40
        assert (0xA700, "the disk is full") in answers
        assert {status for status, _ in answers} == {0, 0xA700}
        assert scanner.association.send_c_echo().Status == 0
        os.kill(engine, signal.SIGCONT)
        wait(lambda: len(list((tmp_path / "sr").glob("2.25*.dcm"))) == accepted)
        assert scanner.store(paths[-1])[0] == 0, "there is room again"
        wait(lambda: len(list((tmp_path / "sr").glob("2.25*.dcm"))) == accepted + 1)
    assert "Traceback" not in node.log
