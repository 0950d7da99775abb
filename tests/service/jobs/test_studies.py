"""When studies are answered, and what is kept of their clips."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made_studies import begin_study, give_clip, studies, study_of

from edgeecho.service.jobs import Ending, Gathering, Job, JobStore
from edgeecho.service.jobs.endings import StudyEnds
from edgeecho.service.jobs.queue import MOST_TRIES
from edgeecho.service.jobs.studies import DRAFTS_KEPT_S, LONGEST_QUIET_S

FAILED = {"error": "damaged", "exit_code": 3}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path / "state")
    yield store
    store.close()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let so many seconds pass."""
    passed = 0.0
    clock = time.time

    def let(seconds: float) -> None:
        nonlocal passed
        passed += seconds
        monkeypatch.setattr("time.time", lambda: clock() + passed)

    return let


def end(store: JobStore, *jobs: Job, status: str = "failed") -> None:
    for job in jobs:
        assert store.queue.end(job.id, status, **(FAILED if status == "failed" else {}))


def answered(store: JobStore, clip: Job) -> Job:
    """The answer to a clip's study, after it has ended."""
    study = begin_study(store, clip)
    end(store, study)
    return store.queue.get(study.id)


def test_a_study_waits_until_nothing_of_it_has_come_for_a_while(
    store: JobStore, later: Callable[[float], None]
) -> None:
    first = give_clip(store, 1, quiet_s=60)
    end(store, first)
    later(50)
    second = give_clip(store, 2, quiet_s=60)
    end(store, second)
    later(50)
    assert store.queue.begin_next() is None
    later(11)
    assert begin_study(store, first).status == "running"
    assert len(studies(store)) == 1


def test_a_study_waits_for_its_clips_and_no_other_study_for_them(store: JobStore) -> None:
    first, second, other = give_clip(store, 1, 1), give_clip(store, 2, 1), give_clip(store, 3, 2)
    end(store, first, other)
    begun = store.queue.begin_next()
    assert begun is not None
    assert begun.id == second.id
    assert begin_study(store, other)
    assert store.queue.begin_next() is None, "the clip is being answered"
    end(store, second)
    study = begin_study(store, first)
    assert [clip.id for clip in store.queue.studies.clips(study)] == [first.id, second.id]


def test_a_clock_that_was_ahead_puts_no_study_off(
    store: JobStore, later: Callable[[float], None]
) -> None:
    later(365 * 24 * 3600)
    clip = give_clip(store, quiet_s=LONGEST_QUIET_S)
    end(store, clip)
    assert store.queue.begin_next() is None
    later(-365 * 24 * 3600)
    assert begin_study(store, clip)


def test_a_clip_that_comes_later_makes_a_new_version(store: JobStore) -> None:
    clip = give_clip(store, 1)
    end(store, clip)
    first = answered(store, clip)
    give_clip(store, 1)  # again, which changes nothing
    assert len(studies(store)) == 1
    late = give_clip(store, 2)
    end(store, late)
    second = begin_study(store, late)
    assert [one.id for one in store.queue.studies.versions(second)] == [first.id]
    assert len(store.queue.studies.clips(second)) == 2


def test_a_version_replaces_the_last_one_that_was_sent(store: JobStore) -> None:
    def answer(number: int, delivery: str) -> tuple[Job, Job | None]:
        """The study with one more clip, and what its answer replaces."""
        clip = give_clip(store, number)
        end(store, clip)
        study = begin_study(store, clip)
        replaced = store.queue.studies.replaced(study)
        end(store, study)
        store.outbox.end(study.id, delivery, {})
        return study, replaced

    first, before = answer(1, "delivered")
    assert before is None
    second, before = answer(2, "given-up")
    assert before is not None
    assert before.id == first.id
    _, before = answer(3, "given-up")
    assert before is not None
    assert before.id == first.id, "the second never went out"
    store.trail.add(second.id, "delivered in part", {})
    _, before = answer(4, "delivered")
    assert before is not None
    assert before.id == second.id


def test_a_clip_that_comes_while_its_study_is_answered_lets_it_wait_again(store: JobStore) -> None:
    clip = give_clip(store, 1)
    end(store, clip)
    study = begin_study(store, clip)
    late = give_clip(store, 2, quiet_s=60)
    assert not store.queue.end(study.id, "answered"), "it lacks the clip"
    assert (study_of(store, late).id, study_of(store, late).tries) == (study.id, 0)
    assert study_of(store, late).status == "queued"


def test_what_was_cancelled_is_no_clip(store: JobStore) -> None:
    clip, other = give_clip(store, 1), give_clip(store, 2)
    store.queue.studies.write_draft(clip.id, b"draft")
    end(store, clip, status="cancelled")
    assert not store.queue.studies.draft_of(clip.id).exists()
    end(store, other)
    assert [one.id for one in store.queue.studies.clips(begin_study(store, clip))] == [other.id]


def test_studies_are_told_apart_and_are_no_files(store: JobStore) -> None:
    clips = [give_clip(store, number, number) for number in (1, 2)]
    assert len({clip.study for clip in clips}) == len(studies(store)) == 2
    assert [job.id for job in store.queue.latest(9)] == [clips[1].id, clips[0].id]
    assert store.queue.waiting() == [clip.id for clip in clips]
    assert store.queue.count("queued") == 2
    assert (store.queue.unfinished("dicom"), store.queue.unfinished("study")) == (2, 2)


def leave_aside(store: JobStore, kind: str, study: int = 1, draft: bytes = b"draft") -> None:
    given = Gathering(f"1.2.3.{study}", 0)
    store.queue.studies.leave_aside(given, kind, lambda: draft)


def test_pictures_alone_are_a_study_that_is_answered_once(store: JobStore) -> None:
    for kind in ("still", "Doppler trace", "still"):
        leave_aside(store, kind)
    (study,) = studies(store)
    assert store.queue.studies.left_aside(study) == ["Doppler trace", "still"]
    assert store.queue.studies.draft_of(study.id).read_bytes() == b"draft"
    begun = store.queue.begin_next()
    assert begun is not None
    leave_aside(store, "volume")
    end(store, begun)
    leave_aside(store, "volume")
    assert len(studies(store)) == 1
    assert store.queue.begin_next() is None


def test_pictures_beside_a_clip_prolong_the_wait_and_need_no_draft(
    store: JobStore, later: Callable[[float], None]
) -> None:
    clip = give_clip(store, quiet_s=60)
    end(store, clip)
    later(50)
    store.queue.studies.leave_aside(Gathering("1.2.3.1", 60), "still", lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    later(50)
    assert store.queue.begin_next() is None
    later(11)
    assert store.queue.studies.left_aside(begin_study(store, clip)) == ["still"]


def test_drafts_are_kept_for_a_day_and_while_the_study_waits(
    store: JobStore, later: Callable[[float], None]
) -> None:
    drafts = store.queue.studies
    clip = give_clip(store)
    drafts.write_draft(clip.id, b"draft")
    end(store, clip)
    later(DRAFTS_KEPT_S + 1)
    drafts.forget(now=True)
    assert drafts.draft_of(clip.id).exists(), "the report is not made yet"
    answered(store, clip)
    drafts.forget()
    assert drafts.draft_of(clip.id).exists(), "it does not look each time"
    drafts.forget(now=True)
    assert not drafts.draft_of(clip.id).exists()


def test_one_that_never_ends_is_ended(store: JobStore) -> None:
    clip = give_clip(store)
    end(store, clip)
    ends, told = StudyEnds(store.queue), []
    ends.set(lambda _study: Ending("cancelled"), lambda: told.append("ended"))
    for _ in range(MOST_TRIES):
        begin_study(store, clip)
        store._db.rows("UPDATE job SET status = 'queued' WHERE status = 'running'")
    study = begin_study(store, clip)
    assert ends.store(study)
    ended = store.queue.get(study.id)
    assert (ended.status, ended.exit_code) == ("failed", 3)
    assert ended.error == "the service ended each time that it answered this study"
    assert told == ["ended"]


def test_no_uid_is_in_the_database(store: JobStore, tmp_path: Path) -> None:
    end(store, give_clip(store))
    leave_aside(store, "still", 7)
    store.close()
    content = b"".join(path.read_bytes() for path in (tmp_path / "state").glob("jobs.sqlite*"))
    assert b"1.2.3." not in content
