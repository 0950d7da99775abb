"""Answering many files in one call: in worker processes if wanted, and resumable after a kill."""

from edgeecho.batch.answer import answer_all
from edgeecho.batch.resume import ResumeFile, open_resume_file
from edgeecho.batch.task import Task
from edgeecho.batch.workers import WorkerPlan

__all__ = ["ResumeFile", "Task", "WorkerPlan", "answer_all", "open_resume_file"]
