"""A state folder: what is not ours is never touched, and what was accepted is never lost."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_studies import give_clip

from edgeecho.cli.service import beside_state
from edgeecho.common.errors import OutputError
from edgeecho.service.jobs import JobStore

ID = "0123456789abcdef" * 2


def everything(folder: Path) -> dict[str, bytes | str | None]:
    """Every name below a folder, with bytes, or where it leads to."""
    found: dict[str, bytes | str | None] = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


def refuses(folder: Path, why: str) -> None:
    """And touches nothing."""
    before = everything(folder.parent)
    with pytest.raises(OutputError, match=why) as refused:
        JobStore(folder)
    assert "\n" not in str(refused.value)
    assert "--state" in str(refused.value)
    assert everything(folder.parent) == before


def given(folder: Path, count: int = 3) -> list[str]:
    """Ids of jobs that a process accepted before it was killed."""
    code = (
        "import os; from pathlib import Path; from edgeecho.service.jobs import JobStore\n"
        f"store = JobStore(Path({str(folder)!r}))\n"
        f"for _ in range({count}):\n"
        "    part = store.queue.new_file(); part.write_bytes(b'a cine')\n"
        "    print(store.queue.accept(part, 'upload').id, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return done.stdout.split()


@pytest.mark.parametrize("place", ["files", "reports"])
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "state" / place).mkdir(parents=True)
    (tmp_path / "state" / place / "thesis.docx").write_text("years of work")
    refuses(tmp_path / "state", "was lost: put it back")


def test_so_is_one_with_other_files(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "letter.txt").write_text("dear")
    refuses(state, "is not empty and no state folder of edgeecho")
    refuses(state / "letter.txt", "is no folder")


@pytest.mark.parametrize("name", ["files", "reports", "unknown", "jobs.sqlite", "jobs.sqlite-wal"])
def test_links_are_not_followed(tmp_path: Path, name: str) -> None:
    state, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ID).write_text("dear")
    JobStore(state).close()
    if (state / name).is_dir():
        (state / name).rmdir()
    (state / name).unlink(missing_ok=True)
    (state / name).symlink_to(elsewhere)
    refuses(state, "is a link")


@pytest.mark.parametrize("name", ["files", "jobs.sqlite"])
def test_what_bears_a_name_of_ours_and_is_another_thing_is_refused(
    tmp_path: Path, name: str
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    if name == "files":
        (state / name).write_text("dear")
    else:
        (state / name).mkdir()
    refuses(state, "is no fold" if name == "files" else "is no file")


@pytest.mark.slow
def test_a_lost_database_costs_no_study(tmp_path: Path) -> None:
    state = tmp_path / "state"
    jobs = given(state)
    assert len(jobs) == 3
    away = tmp_path / "away"
    away.mkdir()
    for name in ("jobs.sqlite", "jobs.sqlite-wal"):
        (state / name).rename(away / name)
        refuses(state, "jobs.sqlite, which says what became of them, was lost")
    for name in ("jobs.sqlite", "jobs.sqlite-wal"):
        (away / name).rename(state / name)
    store = JobStore(state)
    assert store.queue.waiting() == jobs
    assert all(store.queue.file_of(job).read_bytes() == b"a cine" for job in jobs)


@pytest.mark.slow
def test_a_database_that_was_emptied_does_not_cost_its_log(tmp_path: Path) -> None:
    """SQLite would throw it away, and with it what was committed last."""
    state = tmp_path / "state"
    given(state)
    whole = (state / "jobs.sqlite").read_bytes()
    (state / "jobs.sqlite").write_bytes(b"")
    refuses(state, "was lost")
    (state / "jobs.sqlite").write_bytes(whole)
    assert JobStore(state).queue.count("queued") == 3


@pytest.mark.parametrize("kind", ["older", "empty"])
def test_what_the_database_does_not_know_is_set_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    state = tmp_path / "state"
    store = JobStore(state)
    store.close()
    old = (state / "jobs.sqlite").read_bytes() if kind == "older" else b""
    store = JobStore(state)
    job = give_clip(store)
    store.queue.studies.write_draft(job.id, b"a draft")
    store.outbox.write(job.id, b"a report", b"a page")
    store.close()
    (state / "jobs.sqlite").write_bytes(old)

    store = JobStore(state)
    said = capsys.readouterr().err
    assert f"does not know 4 files of studies: they were set aside in {state}/unknown" in said
    assert said.count("\n") == 1
    unknown = state / "unknown"
    assert (unknown / "files" / job.id).read_bytes() == b"a cine 1"
    assert (unknown / "drafts" / job.id).read_bytes() == b"a draft"
    assert (unknown / "reports" / job.id).read_bytes() == b"a report"
    assert (unknown / "reports" / f"{job.id}.second").read_bytes() == b"a page"
    for folder in (unknown, *(unknown / name for name in ("files", "drafts", "reports"))):
        assert folder.stat().st_mode & 0o777 == 0o700
    store.close()
    JobStore(state)
    assert capsys.readouterr().err == "", "it is said once"


def test_only_what_was_never_acknowledged_goes(tmp_path: Path) -> None:
    state = tmp_path / "state"
    JobStore(state).close()
    ours = (state / "files" / f"{ID}.part", state / "reports" / f".{ID}-ab_cd012.tmp")
    others = [
        *(state / "files" / name for name in ("thesis.docx", "a.part", f".{ID}", f"{ID}.docx")),
        *(state / "files" / ID.upper(), state / "files" / f"{ID}0"),
        *(state / "reports" / name for name in ("a.dcm", f".{ID}.tmp", ".tmp", f"{ID}-a.tmp")),
        *(state / "notes.txt", state / "sr" / ID),
    ]
    (state / "sr").mkdir()
    for path in (*ours, *others):
        path.write_text("dear")
    (state / "files" / "folder" / ID).mkdir(parents=True)
    (state / "files" / ("f" * 32)).symlink_to(state / "notes.txt")
    JobStore(state)
    assert not any(path.exists() for path in ours)
    assert all(path.read_text() == "dear" for path in others)
    assert (state / "files" / "folder" / ID).is_dir()
    assert (state / "files" / ("f" * 32)).is_symlink()
    assert not (state / "unknown").exists()


def test_a_report_that_was_being_written_leaves_a_name_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it would lie there for good, with the name of a patient in it."""
    store = JobStore(tmp_path / "state")
    job = give_clip(store)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("os.replace", killed)
        patch.setattr(Path, "replace", killed)
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        store.outbox.write(job.id, b"a report")
    store.close()
    (left,) = (tmp_path / "state" / "reports").iterdir()
    JobStore(tmp_path / "state")
    assert not left.exists()


@pytest.mark.parametrize(
    "names", [(), ("files", "reports"), ("lost+found",), (".snapshots", ".DS_Store")]
)
def test_an_empty_folder_is_taken(tmp_path: Path, names: tuple[str, ...]) -> None:
    """As a container's volume or a start that was interrupted leaves it."""
    state = tmp_path / "state"
    for name in names:
        (state / name).mkdir(parents=True)
    JobStore(state).close()
    (state / "sr").mkdir()
    (state / "sr" / "report.dcm").write_text("dear")
    JobStore(state).close()
    (state / "jobs.sqlite").unlink()
    refuses(state, "was lost")


@pytest.mark.slow
def test_a_volume_may_hold_what_the_options_name(
    edgeecho: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As deploy/Dockerfile.nvidia has it: cache, bundle and state in one."""
    pytest.importorskip("pynetdicom")
    pytest.importorskip("highdicom")
    from edgeecho.bundle import open_model

    bundle = tmp_path / "bundle"
    shutil.copytree(open_model().path.parent, bundle)
    (tmp_path / "cache").mkdir()
    (tmp_path / "reports-of-ef").mkdir()
    options = (
        "listen",
        "--state",
        tmp_path,
        "--model",
        bundle,
        "--out",
        tmp_path / "reports-of-ef",
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = edgeecho(*options, "--port", port)
        assert "is not empty" in done.stderr, "it is nobody's cache"
        monkeypatch.setenv("EDGEECHO_CACHE", str(tmp_path / "cache"))
        done = edgeecho(*options, "--port", port)
    assert f"port {port} of 127.0.0.1 cannot be had" in done.stderr


def test_a_cache_may_be_in_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is on Windows, where both are the user's own folder of edgeecho."""
    (tmp_path / "0123.compiled").write_text("a model")
    monkeypatch.setenv("EDGEECHO_CACHE", str(tmp_path))
    with pytest.raises(OutputError, match="is not empty"):
        JobStore(tmp_path)
    JobStore(tmp_path, beside=beside_state(None))
    assert (tmp_path / "0123.compiled").read_text() == "a model"


def damaged(kind: str, whole: bytes) -> bytes:
    return {
        "junk": b"no database " * 400,
        "short": b"SQL",
        "zeros": bytes(len(whole)),
        "truncated": whole[: len(whole) // 2],
        "head": whole[:100],
        "overwritten": whole[:100] + bytes([0xA5]) * (len(whole) - 100),
    }[kind]


@pytest.mark.parametrize("kind", ["junk", "short", "zeros", "truncated", "head", "overwritten"])
def test_a_damaged_database_is_one_line(
    edgeecho: Callable[..., Any], tmp_path: Path, kind: str
) -> None:
    pytest.importorskip("fastapi")
    state = tmp_path / "state"
    JobStore(state).close()
    file = state / "jobs.sqlite"
    content = damaged(kind, file.read_bytes())
    file.write_bytes(content)
    file.chmod(0o640)
    (state / "files" / ID).write_text("a cine")
    refuses(state, "jobs.sqlite cannot be used")
    assert file.stat().st_mode & 0o777 == 0o640
    done = edgeecho("serve", "--state", state, "--port", 0)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "put a copy of it back, or choose another --state" in done.stderr


def test_a_database_of_another_program_is_not_ours(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    db = sqlite3.connect(state / "jobs.sqlite")
    db.execute("CREATE TABLE job (id)")
    db.execute("CREATE TABLE letters (text)")
    db.close()
    refuses(state, "it is another program's")
