"""Studies in a store, without a node."""

from __future__ import annotations

from edgeecho.service.jobs import Gathering, Job, JobStore
from edgeecho.service.jobs.job import SELECT, job_of
from edgeecho.service.jobs.studies import STUDY


def give_clip(store: JobStore, number: int = 1, study: int = 1, *, quiet_s: float = 0) -> Job:
    """A clip that nobody can answer, of a study."""
    part = store.queue.new_file()
    part.write_bytes(b"a cine %d" % number)
    given = Gathering(f"1.2.3.{study}", quiet_s)
    return store.queue.accept(part, "dicom", key=f"1.2.4.{number}", study=given)


def studies(store: JobStore) -> list[Job]:
    """All answers to studies, waiting or ended, the first one first."""
    rows = store._db.rows(f"{SELECT} WHERE source = ? ORDER BY rowid", (STUDY,))
    return list(map(job_of, rows))


def study_of(store: JobStore, clip: Job) -> Job:
    """The last answer to a clip's study, which may wait."""
    return [one for one in studies(store) if one.study == clip.study][-1]


def due(store: JobStore, number: int = 1, report: bytes | None = b"SR") -> Job:
    """A study that has ended, of one clip that could not be answered; its report is due."""
    clip = give_clip(store, number, number)
    assert store.queue.end(clip.id, "failed", error="damaged", exit_code=3)
    study = begin_study(store, clip)
    if report is not None:
        store.outbox.write(study.id, report)
    assert store.queue.end(study.id, "failed", error="damaged", exit_code=3)
    return store.queue.get(study.id)


def begin_study(store: JobStore, clip: Job) -> Job:
    """The answer to a clip's study, which is begun; every other job has ended."""
    begun = store.queue.begin_next()
    assert begun is not None
    assert (begun.source, begun.study) == (STUDY, clip.study)
    return begun
