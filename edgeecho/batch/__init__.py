"""Answering many files in one call: in worker processes if wanted, and resumable after a kill."""

from edgeecho.batch.answer import answer_all
from edgeecho.batch.record import Record, open_record
from edgeecho.batch.task import Task
from edgeecho.batch.workers import Crew

__all__ = ["Crew", "Record", "Task", "answer_all", "open_record"]
