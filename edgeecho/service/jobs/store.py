"""An open state folder: `jobs.sqlite`, `files/`, `drafts/` and `reports/`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from edgeecho.service.jobs.audit import AuditTrail
from edgeecho.service.jobs.database import Database, output_errors
from edgeecho.service.jobs.files import Files, make_private
from edgeecho.service.jobs.formats import Forms
from edgeecho.service.jobs.outbox import Outbox
from edgeecho.service.jobs.queue import Queue
from edgeecho.service.jobs.recovery import check_folder, tidy


class JobStore:
    """Queue, outbox, formats and audit trail of a folder, safe for all threads of one process.

    `OutputError` if it cannot be opened.

    Files are deleted after their job has ended, unless `keep_files`; drafts of a study's report
    some time later; reports after delivery. A result's formats are kept, except for pages, which
    hold the video's frames: only the last `most_pages` are.
    """

    def __init__(
        self,
        folder: Path,
        *,
        most_waiting: int = 100,
        keep_files: bool = False,
        most_pages: int = 200,
        beside: Iterable[Path] = (),
    ) -> None:
        """`beside`: paths that may lie in a new state folder although they are not the store's."""
        check_folder(folder, beside)
        make_private(folder)
        self._db = Database(folder)
        try:
            files = Files(folder, keep_studies=keep_files)
            self.trail = AuditTrail(self._db)
            self.forms = Forms(self._db, most_pages)
            self.queue = Queue(self._db, files, self.trail, self.forms, most_waiting)
            self.outbox = Outbox(self._db, files, self.trail)
            self._recover(files)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Let another process open it."""
        self._db.close()

    def _recover(self, files: Files) -> None:
        """After a crash: running jobs wait again, and what must not be kept is deleted."""
        with self._db.changing() as connection:
            connection.execute("UPDATE job SET status = 'queued' WHERE status = 'running'")
            self.forms.drop_pages()
        with output_errors(self._db.folder):
            tidy(self._db.folder, files, self.queue.get)
            self.queue.studies.forget(now=True)
