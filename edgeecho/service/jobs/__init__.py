"""Jobs: files that are accepted, kept on disk, and answered once, by one process; and studies.

store.py     the state folder and all parts of it
folder.py    where a user's state folder is
recovery.py  checks and tidying at the start
database.py  the SQLite database
files.py     videos and reports as files
job.py       one job, read from the database
queue.py     accepting, beginning and ending jobs
studies.py   answers to studies, and when they are due
room.py      limits on queue and disk
formats.py   results in further formats
audit.py     the audit trail
outbox.py    reports that wait to be sent
endings.py   how studies end
runner.py    a thread that answers jobs
process.py   the engine in its own process
work.py      what that process does
clips.py     normalised clips, for the network alone
lane.py      clips that wait for the engine
"""

from edgeecho.service.jobs.clips import ClipFile
from edgeecho.service.jobs.endings import Ending
from edgeecho.service.jobs.folder import state_folder
from edgeecho.service.jobs.job import Job
from edgeecho.service.jobs.outbox import LONGEST_WAIT_S, Outbox
from edgeecho.service.jobs.process import EngineProcess
from edgeecho.service.jobs.queue import KeyUsedError, Queue
from edgeecho.service.jobs.room import QueueFullError
from edgeecho.service.jobs.runner import Runner
from edgeecho.service.jobs.store import JobStore
from edgeecho.service.jobs.studies import STUDY, Gathering, Studies
from edgeecho.service.jobs.work import Progress

__all__ = [
    "LONGEST_WAIT_S",
    "STUDY",
    "ClipFile",
    "Ending",
    "EngineProcess",
    "Gathering",
    "Job",
    "JobStore",
    "KeyUsedError",
    "Outbox",
    "Progress",
    "Queue",
    "QueueFullError",
    "Runner",
    "Studies",
    "state_folder",
]
