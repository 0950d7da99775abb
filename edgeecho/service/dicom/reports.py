"""The structured report on a job, as the bytes of a DICOM file."""

from __future__ import annotations

import io
import logging
from datetime import datetime
from pathlib import Path

from pydicom import dcmwrite

from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.common.errors import InputError
from edgeecho.report.dicom_source import read_header
from edgeecho.report.dicom_sr import to_sr
from edgeecho.results import Outcome
from edgeecho.service.jobs import Job, Outbox, Queue

log = logging.getLogger(__name__)


class Reporter:
    """Writes the report of every job that needs one, before the job is ended."""

    def __init__(self, queue: Queue, outbox: Outbox) -> None:
        self._queue, self._outbox = queue, outbox

    def __call__(self, job: Job, outcome: Outcome) -> None:
        """`OutputError` if the disk is full. Without a report nothing can be delivered."""
        if job.delivery != "due":
            return
        try:
            content = encode_report(outcome, self._queue.file_of(job.id))
        except (InputError, *DAMAGE):
            # The error's text may quote the header. The audit trail says that nothing was sent.
            log.warning("%s: no report could be made: its header cannot be used", job.id)
            return
        self._outbox.write(job.id, content)


def encode_report(outcome: Outcome, source: Path) -> bytes:
    """Make a DICOM file. `InputError`, or any of the many errors of pydicom and highdicom."""
    report = to_sr(outcome, read_header(source), created=datetime.now())
    stream = io.BytesIO()
    dcmwrite(stream, report, enforce_file_format=True)
    return stream.getvalue()
