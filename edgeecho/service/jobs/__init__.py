"""Studies that come while others are answered: kept on disk, answered once, in a process apart."""

from edgeecho.service.jobs.folder import state_folder
from edgeecho.service.jobs.job import Job
from edgeecho.service.jobs.process import EngineProcess, Progress
from edgeecho.service.jobs.runner import Runner
from edgeecho.service.jobs.store import LONGEST_WAIT_S, JobStore, KeyUsedError, QueueFullError

__all__ = [
    "LONGEST_WAIT_S",
    "EngineProcess",
    "Job",
    "JobStore",
    "KeyUsedError",
    "Progress",
    "QueueFullError",
    "Runner",
    "state_folder",
]
