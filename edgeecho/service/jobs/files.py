"""Files of a state folder: videos to be answered, reports to be sent."""

from __future__ import annotations

from pathlib import Path

from edgeecho.common.files import make_folder
from edgeecho.service.jobs.job import Job

STUDIES, REPORTS = "files", "reports"


class Files:
    """Each file is named by the id of its job."""

    def __init__(self, folder: Path, *, keep_studies: bool) -> None:
        self.studies, self.reports = folder / STUDIES, folder / REPORTS
        self._keep_studies = keep_studies
        make_private(self.studies)
        make_private(self.reports)

    def let_go(self, job: Job) -> None:
        """Delete the video of a job that has ended, unless it is kept, and a report that is not
        due."""
        if job.ended and not self._keep_studies:
            (self.studies / job.id).unlink(missing_ok=True)
        if job.delivery != "due":
            (self.reports / job.id).unlink(missing_ok=True)


def make_private(folder: Path) -> None:
    """Make a folder for patients' videos and names; an existing one keeps its permissions."""
    if not folder.exists():
        make_folder(folder)
        folder.chmod(0o700)
