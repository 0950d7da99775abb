"""A thread that delivers each report once, and retries for as long as needed."""

from __future__ import annotations

import logging
import threading

from edgeecho.common.errors import OutputError
from edgeecho.service.dicom.link import Link, NotTakenError, Target, UnreachableError
from edgeecho.service.dicom.tally import Tally
from edgeecho.service.jobs import LONGEST_WAIT_S, Job, Outbox

log = logging.getLogger(__name__)

FIRST_WAIT_S = 2.0
"""Before the second attempt; each wait is twice as long as the last, up to `LONGEST_WAIT_S`."""
MOST_ATTEMPTS = 100
"""For a report that the destination rejects: they take about a day."""
_IDLE_S = 5.0
_GRACE_S = 3.0
"""Time for the report that is being sent when the node closes."""
_LAST_S = 3.0
"""Time for the thread to end after its association."""


class Sender:
    """Sends what is due, oldest first, over one association for as long as anything is due."""

    def __init__(self, outbox: Outbox, target: Target, tally: Tally) -> None:
        self._outbox, self._target, self._tally = outbox, target, tally
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._wake, self._closing = threading.Event(), threading.Event()

    def start(self) -> None:
        """Begin with what an earlier process left."""
        self._thread.start()

    def wake(self) -> None:
        """Called when a job has ended."""
        self._wake.set()

    def close(self) -> None:
        """Give the current report a few seconds; the rest waits for the next start."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_GRACE_S)
            self._target.abort()
            # An unresponsive name server or network folder may block it longer: it then ends with
            # the process, and nothing counts as delivered.
            self._thread.join(_LAST_S)

    @property
    def alive(self) -> bool:
        """False after a bug has ended it, so that no report is sent any more."""
        return self._thread.is_alive()

    def _run(self) -> None:
        failures = 0
        while not self._closing.is_set():
            self._wake.clear()
            try:
                sent = self._send_all()
            except (UnreachableError, OutputError) as error:
                if self._closing.is_set():
                    return
                wait = wait_after(failures)
                failures += 1
                self._tally.count("delivery failed")
                log.warning("%s: %s: next attempt in %.0f s", self._target, error, wait)
                self._closing.wait(wait)
                continue
            failures = 0
            if not sent:
                self._wake.wait(_IDLE_S)

    def _send_all(self) -> bool:
        """Send everything that is due; return whether anything was."""
        job = self._outbox.next_due()
        if job is None:
            return False
        with self._target.open() as link:
            while job is not None and not self._closing.is_set():
                self._send(link, job)
                job = self._outbox.next_due()
        return True

    def _send(self, link: Link, job: Job) -> None:
        reports = self._outbox.reports_of(job.id)
        if not reports:
            self._end(job, "given-up", {"reason": "no report could be made"})
            return
        told = {"to": str(self._target)}
        try:
            for report in reports:
                link.send(report)
                if report != reports[-1]:
                    self._outbox.took(job.id, report, told)
        except NotTakenError as error:
            self._put_off(job, str(error))
            return
        self._end(job, "delivered", told)

    def _put_off(self, job: Job, reason: str) -> None:
        self._tally.count("delivery failed")
        if job.attempts + 1 >= MOST_ATTEMPTS:
            self._end(job, "given-up", {"reason": reason})
            return
        wait = wait_after(job.attempts)
        log.warning("%s does not take a report: %s: again in %.0f s", self._target, reason, wait)
        self._outbox.retry_later(job.id, wait, reason)

    def _end(self, job: Job, delivery: str, detail: dict[str, str]) -> None:
        self._outbox.end(job.id, delivery, detail)
        self._tally.count(f"report {delivery}")


def wait_after(failures: int) -> float:
    """Seconds until the next attempt, after `failures` failed attempts before the last one."""
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures, 30))
