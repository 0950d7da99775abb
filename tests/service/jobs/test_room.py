"""Room on the disk: asked for before a study is taken, and said once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from edgeecho.common.errors import OutputError
from edgeecho.service.jobs import Job, JobStore
from edgeecho.service.jobs.room import RESERVE_BYTES


def test_room_is_left_for_the_answers_of_those_that_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = JobStore(tmp_path / "state")
    room = SimpleNamespace(free=RESERVE_BYTES + 3_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: room)

    def give() -> Job:
        part = store.queue.new_file()
        part.write_bytes(b"video")
        return store.queue.accept(part, "dicom")

    store.queue.room.check_disk(coming=3_000_000)
    with pytest.raises(OutputError, match="until 32 MB are free"):
        store.queue.room.check_disk(coming=3_000_001)
    give()
    give()
    with pytest.raises(OutputError, match="no study is taken until 36 MB are free"):
        give()
    with pytest.raises(OutputError):
        store.queue.room.check()
    assert store.queue.count("queued") == 2
    store.queue.begin_next()
    assert not store.queue.room.has_disk(), "it would be short again at once"
    room.free += 4_000_000
    assert store.queue.room.has_disk()
    give()
    said = capsys.readouterr().err
    assert (said.count("almost full"), said.count("there is room again")) == (1, 1)
    store.close()
