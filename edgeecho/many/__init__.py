"""Many files in one call: here or in worker processes, and from where a killed call stopped."""

from edgeecho.many.answer import answer_all
from edgeecho.many.record import Record, open_record
from edgeecho.many.task import Task
from edgeecho.many.workers import Crew

__all__ = ["Crew", "Record", "Task", "answer_all", "open_record"]
