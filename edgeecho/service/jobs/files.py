"""Files of a state folder: videos to be answered, drafts of reports, reports to be sent."""

from __future__ import annotations

from pathlib import Path

from edgeecho.common.files import make_folder
from edgeecho.service.jobs.job import Job

STUDIES, DRAFTS, REPORTS = "files", "drafts", "reports"
SECOND = ".second"
"""Suffix of a job's second report."""


class Files:
    """Each file is named by the id of its job."""

    def __init__(self, folder: Path, *, keep_studies: bool) -> None:
        self.studies, self.drafts, self.reports = (
            folder / name for name in (STUDIES, DRAFTS, REPORTS)
        )
        self._keep_studies = keep_studies
        for place in (self.studies, self.drafts, self.reports):
            make_private(place)

    def let_go(self, job: Job) -> None:
        """Delete the video of a job that has ended, unless it is kept, the draft of one that was
        cancelled, and a report that is not due."""
        if job.ended and not self._keep_studies:
            (self.studies / job.id).unlink(missing_ok=True)
        if job.status == "cancelled":
            (self.drafts / job.id).unlink(missing_ok=True)
        if job.delivery != "due":
            for report in self.reports_of(job.id):
                report.unlink(missing_ok=True)

    def reports_of(self, job_id: str) -> tuple[Path, Path]:
        """Where a job's reports are, as far as there are any."""
        return self.reports / job_id, self.reports / f"{job_id}{SECOND}"


def make_private(folder: Path) -> None:
    """Make a folder for patients' videos and names; an existing one keeps its permissions."""
    if not folder.exists():
        make_folder(folder)
        folder.chmod(0o700)
