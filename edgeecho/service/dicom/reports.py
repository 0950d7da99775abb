"""Answers to studies and the reports on them, made from what is kept of their clips."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydicom import Dataset, dcmread, dcmwrite

from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.common.errors import InputError
from edgeecho.report.dicom_pdf import to_study_pdf
from edgeecho.report.dicom_source import read_header
from edgeecho.report.dicom_study import LEFT_ASIDE, Version, to_draft, to_study_sr
from edgeecho.report.structured import to_document
from edgeecho.report.study import join
from edgeecho.report.text import without_name
from edgeecho.results import Failure, Outcome
from edgeecho.service.dicom.bugs import log_bug
from edgeecho.service.jobs import Ending, Job, Outbox, Queue
from edgeecho.study import Clip, Rule, StudyAnswer, answer_study, without_cine

log = logging.getLogger(__name__)


class Reporter:
    """Drafts what each clip adds to its study's report, and makes that report."""

    def __init__(self, queue: Queue, outbox: Outbox, rule: Rule, *, pdf: bool = False) -> None:
        """`pdf`: as an encapsulated PDF too."""
        self._queue, self._outbox, self._rule, self._pdf = queue, outbox, rule, pdf

    def draft(self, job: Job, outcome: Outcome) -> None:
        """Before a clip's job is ended. `OutputError` if the disk is full."""
        if job.study is None:
            return
        try:
            draft = encode_draft(outcome, read_header(self._queue.file_of(job.id)))
        except (InputError, *DAMAGE):
            # The error's text may quote the header.
            log.warning("%s: its header cannot be written into a report", job.id)
            return
        self._queue.studies.write_draft(job.id, draft)

    def answer(self, job: Job) -> Ending:
        """Answer a study, and write its report. `OutputError` if the disk is full."""
        clips = self._queue.studies.clips(job)
        left_aside = self._queue.studies.left_aside(job)
        if not clips and not left_aside:
            return Ending("cancelled")
        documents = [_document(clip, number) for number, clip in enumerate(clips, 1)]
        if clips:
            given = [Clip.read(n, one["results"][0]) for n, one in enumerate(documents, 1)]
            study = answer_study(given, self._rule)
        else:
            study = without_cine(left_aside, self._rule)
        document = join(study, documents)
        self._write(job, clips, study, document["model"], left_aside)
        if study.status == "error":
            return Ending("failed", error="not one of its clips could be used")
        return Ending(study.status, document)

    def _write(
        self,
        job: Job,
        clips: Sequence[Job],
        study: StudyAnswer,
        model: Mapping[str, Any] | None,
        left_aside: Sequence[str],
    ) -> None:
        """Without a report nothing can be delivered; the audit trail says so then."""
        versions = self._queue.studies.versions(job)
        replaced = self._queue.studies.replaced(job)
        version = Version(job.id, len(versions) + 1, replaced.id if replaced else None)
        drafts = {number: clip.id for number, clip in enumerate(clips, 1)}
        if not clips:
            drafts = {LEFT_ASIDE: versions[-1].id if versions else job.id}
        told: dict[str, Any] = {
            "left_aside": left_aside,
            "model": f"{model['name']} {model['version']}" if model else "edgeecho",
            "created": datetime.now(),
        }
        try:
            read = self._drafts(drafts)
            report = _encode(to_study_sr(study, read, version, **told))
            page = _encode(to_study_pdf(study, read, version, **told)) if self._pdf else None
        except InputError as error:
            log.warning("%s: no report could be made: %s", job.id, error)
            return
        except DAMAGE as error:  # the drafts were made here
            log_bug("a report", error)
            return
        self._outbox.write(job.id, report, page)

    def _drafts(self, wanted: Mapping[int, str]) -> dict[int, Dataset]:
        """By number, as far as there are any."""
        found: dict[int, Dataset] = {}
        for number, job_id in wanted.items():
            path = self._queue.studies.draft_of(job_id)
            with suppress(*DAMAGE):  # it is no longer there, or was never made
                found[number] = dcmread(path)
        if not found:
            raise InputError("no clip of the study has a header that can be used")
        return found


def encode_draft(outcome: Outcome, header: Dataset) -> bytes:
    """A draft as a DICOM file. `InputError`, or any of the many errors of pydicom and highdicom."""
    return _encode(to_draft(outcome, header, created=datetime.now()))


def _document(clip: Job, number: int) -> Mapping[str, Any]:
    if clip.document is not None:
        return clip.document
    message = without_name(str(clip.error), clip.id, f"clip {number}")
    failure = Failure(message, clip.exit_code or InputError.exit_code)
    return to_document([Outcome(clip.id, failure)])


def _encode(report: Dataset) -> bytes:
    stream = io.BytesIO()
    dcmwrite(stream, report, enforce_file_format=True)
    return stream.getvalue()
