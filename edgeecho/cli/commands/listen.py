"""`edgeecho listen`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from edgeecho.cli.options.answer import (
    Choices,
    EngineOptions,
    LimitOptions,
    MaxFrames,
    MaxPixels,
    VideoOptions,
)
from edgeecho.cli.options.groups import with_groups
from edgeecho.cli.options.service import (
    PDF,
    AETitle,
    Allow,
    KeepFiles,
    Limit,
    NodeOptions,
    Queue,
    QueueOptions,
    Quiet,
    Reports,
    SendTo,
    State,
    StudyEF,
)

if TYPE_CHECKING:
    import threading

    from edgeecho.batch import Task
    from edgeecho.service.dicom import NodeSettings
    from edgeecho.service.jobs import JobStore, Runner

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


# Node, queue and limits are listed one by one, because their order and some defaults differ from
# those in `serve`.
@app.command()
@with_groups
def listen(
    *,
    aet: AETitle = "EDGEECHO",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 11112,
    bind: Annotated[
        str, typer.Option(help="IP address to listen on; one that others reach needs --allow.")
    ] = "127.0.0.1",
    allow: Allow = None,
    send_to: SendTo = None,
    out: Reports = None,
    quiet: Quiet = 60,
    study_ef: StudyEF = "best",
    pdf: PDF = False,
    state: State = None,
    queue: Queue = 500,
    limit: Limit = 120,
    keep_files: KeepFiles = False,
    max_mb: Annotated[
        int, typer.Option(min=1, help="Refuse datasets, or decoded frames, above it.")
    ] = 800,
    max_frames: MaxFrames = 4000,
    max_pixels: MaxPixels = 16_777_216,
    engine: EngineOptions,
    video: VideoOptions,
) -> None:
    """DICOM node: studies from scanners and archives, structured reports to them.

    Research use only, not for diagnosis. Runs until Ctrl-C or SIGTERM; what was taken and not
    answered or not delivered by then waits on the disk for the next start.
    """
    from edgeecho.common.plugins import require_extra

    require_extra("`edgeecho listen`", "dicom")

    from edgeecho.cli.service import check_waiting, open_store
    from edgeecho.service.jobs import EngineProcess, Runner

    limits = LimitOptions(max_frames=max_frames, max_pixels=max_pixels, max_mb=max_mb)
    choices = Choices.of(engine, video, limits)
    node = NodeOptions(aet, allow, send_to, out, quiet, study_ef, pdf)
    waiting = QueueOptions(state, keep_files, queue, limit)
    settings = node.settings(waiting.folder, bind=bind, port=port, limits=choices.limits)
    task = choices.task()
    with open_store(waiting.folder, waiting, task, out) as store:
        check_waiting(
            store, ["upload"], "over the API", "start `edgeecho serve`, with --dicom-port"
        )
        runner = Runner(store.queue, EngineProcess(task, threads=engine.threads), limit_s=limit)
        _run(store, runner, settings, task)


def _run(store: JobStore, runner: Runner, settings: NodeSettings, task: Task) -> None:
    from contextlib import ExitStack

    from edgeecho.cli.service import say_node
    from edgeecho.common.about import RESEARCH_USE
    from edgeecho.common.console import words
    from edgeecho.common.errors import EngineError
    from edgeecho.service.dicom import Node

    with ExitStack() as stack:
        stop = stack.enter_context(_stop_at_signals())
        node = Node(store, runner, settings)
        stack.callback(runner.close)
        runner.start()
        stack.callback(node.close)
        node.start()
        words.print(f"model {task.model.name} {task.model.version}, {task.model.precision}")
        say_node(node, settings, "results")
        if waiting := store.queue.count("queued"):
            words.print(f"going on with {waiting} clips that were taken before")
        words.print(RESEARCH_USE)
        while not stop.wait(1):
            if not (runner.alive and node.alive):  # the traceback was printed
                raise EngineError("a part of the node has ended: start it again")
        words.print("stopping")


@contextmanager
def _stop_at_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; their former handlers return after the block."""
    import signal
    import threading

    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda _number, _frame: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
