"""Many files: in one call, or as a cohort that fills a table and goes on after a kill.

task.py     the options of a call, and answering one file
worker.py   a worker process
crew.py     what a crew of workers is, wherever they run
workers.py  what they are asked, tried again or given up
processes.py    the crew of this machine
ray_crew.py     the crew of a Ray
ray_seats.py    how many workers its nodes get
ray_actor.py    a worker on a node
ray_cluster.py  finding or starting a Ray
answer.py   the files of a call
cohort.py   the files of a cohort
source.py   which files a cohort has
staging.py  a cohort's files, hashed and fetched ahead of their use
row.py      a file's row
arrow.py    pyarrow, if it is there
parts.py    the files of a table: Parquet or CSV
table.py    a table on disk: each file's row once, whatever is killed
lock.py     one process at a time
"""

from edgeecho.batch.answer import LIMIT_S, answer_all
from edgeecho.batch.cohort import Tally, answer_cohort
from edgeecho.batch.crew import Crew
from edgeecho.batch.parts import FORMATS, PartFormat
from edgeecho.batch.processes import Processes, WorkerPlan
from edgeecho.batch.ray_crew import on_ray
from edgeecho.batch.source import Item, read_source
from edgeecho.batch.table import BLOCK, Table, open_table
from edgeecho.batch.task import Task

__all__ = [
    "BLOCK",
    "FORMATS",
    "LIMIT_S",
    "Crew",
    "Item",
    "PartFormat",
    "Processes",
    "Table",
    "Tally",
    "Task",
    "WorkerPlan",
    "answer_all",
    "answer_cohort",
    "on_ray",
    "open_table",
    "read_source",
]
