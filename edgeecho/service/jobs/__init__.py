"""Studies that come while others are answered: kept on disk, and answered once, by one process."""

from edgeecho.service.jobs.folder import state_folder
from edgeecho.service.jobs.job import Job
from edgeecho.service.jobs.outbox import LONGEST_WAIT_S, Outbox
from edgeecho.service.jobs.process import EngineProcess, Progress
from edgeecho.service.jobs.queue import KeyUsedError, Queue
from edgeecho.service.jobs.room import QueueFullError
from edgeecho.service.jobs.runner import Runner
from edgeecho.service.jobs.store import JobStore

__all__ = [
    "LONGEST_WAIT_S",
    "EngineProcess",
    "Job",
    "JobStore",
    "KeyUsedError",
    "Outbox",
    "Progress",
    "Queue",
    "QueueFullError",
    "Runner",
    "state_folder",
]
