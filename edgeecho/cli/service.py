"""What `edgeecho serve` and `edgeecho listen` share: opening the queue, messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeecho.batch import Task
    from edgeecho.cli.options.service import QueueOptions
    from edgeecho.service.dicom import Node, NodeSettings
    from edgeecho.service.jobs import JobStore


@contextmanager
def open_store(
    state: Path, queue: QueueOptions, task: Task, *given: Path | None, most_pages: int = 200
) -> Iterator[JobStore]:
    """The queue, open until the block ends. `given`: paths in other options, see `beside_state`;
    `most_pages`: see `JobStore`."""
    from edgeecho.service.jobs import JobStore

    store = JobStore(
        state,
        most_waiting=queue.queue,
        keep_files=queue.keep_files,
        most_pages=most_pages,
        beside=beside_state(task.model.path, *given),
    )
    with closing(store):
        _check_trail(store)
        yield store


def beside_state(*given: Path | None) -> list[Path]:
    """Paths that may lie in a new state folder: those in the options, and the cache of compiled
    models. In a container all are on one volume, and on Windows the cache is in the same folder."""
    from edgeecho.common.cache import cache_folder

    cache = cache_folder()
    compiled = cache.glob("*.compiled") if cache is not None else ()
    return [path for path in (*given, cache, *compiled) if path is not None]


def _check_trail(store: JobStore) -> None:
    """Report an audit trail that somebody changed."""
    from edgeecho.common.console import words
    from edgeecho.service.jobs.audit import first_broken

    if number := first_broken(store.trail.entries()):
        words.print(
            f"the audit trail was changed behind our back: entry {number} is not as it was written"
        )


def check_waiting(store: JobStore, sources: Sequence[str], came: str, remedy: str) -> None:
    """`UsageError` if what came from these sources and waits needs what this service would not
    make: a report for an archive, or the formats that the page shows."""
    from edgeecho.common.errors import UsageError

    if waiting := max(map(store.queue.unfinished, sources)):
        raise UsageError(
            f"studies that came {came} wait in this state folder ({waiting}): {remedy}, or choose "
            "another --state"
        )


def say_node(node: Node, settings: NodeSettings, what: str) -> None:
    """Print where the node listens and where it sends results."""
    from edgeecho.common.console import words

    words.print(f"listening as {settings.ae_title} on {settings.bind}:{node.port}")
    words.print(f"{what} go to {node.target}")
