"""`edgeecho serve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeecho.cli.infer import (
    Clips,
    EngineName,
    MaxFrames,
    MaxMB,
    MaxPixels,
    Model,
    Precision,
    Threads,
    Time,
)

if TYPE_CHECKING:
    from edgeecho.jobs import JobStore

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; other than loopback it needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8117,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that every request must bear.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Host name under which it is called. May be repeated."),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Folder of queue, history and audit trail.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the files that were sent, in the state folder.")
    ] = False,
    most_waiting: Annotated[int, typer.Option(min=1, help="Studies in the queue.")] = 100,
    most_pages: Annotated[
        int, typer.Option(min=0, help="Results of which frames and curve are kept.")
    ] = 200,
    seconds: Annotated[float, typer.Option(min=1, help="Longest time for one study.")] = 120,
    model: Model = None,
    engine: EngineName = "auto",
    precision: Precision = None,
    clips: Clips = "stride:16",
    threads: Threads = 0,
    time: Time = None,
    max_frames: MaxFrames = 4000,
    max_pixels: MaxPixels = 16_777_216,
    max_mb: MaxMB = 800,
) -> None:
    """A page and a REST API on this machine. Research use only, not for diagnosis.

    Needs the extra `serve`. Ctrl-C or SIGTERM ends it; what waits is answered by the next start.
    """
    from edgeecho.plugins import require_extra

    require_extra("`edgeecho serve`", "serve")
    from edgeecho.bundle import open_model
    from edgeecho.cine import Limits
    from edgeecho.cli.handling import parse_handling
    from edgeecho.errors import EngineError, UsageError
    from edgeecho.jobs import JobStore
    from edgeecho.many import Task
    from edgeecho.preprocess import ClipMode
    from edgeecho.report.pictures import frames_each
    from edgeecho.serve.server import listen, make_server
    from edgeecho.serve.service import Service
    from edgeecho.serve.settings import Settings, check_exposure, read_token, state_folder

    # Before the model is loaded, so that a typo costs nothing.
    mode = ClipMode.parse(clips)
    if (tls_cert is None) != (tls_key is None):
        raise UsageError("--tls-cert and --tls-key belong together: give both or none")
    token = read_token(token_file) if token_file else None
    check_exposure(host, token)
    task = Task(
        model=open_model(model, precision=precision),
        engine=engine,
        clips=str(mode),
        handling=parse_handling(time, None, False, None),
        fps=None,
        limits=Limits(max_pixels, max_frames, max_mb),
        show_refused=False,
        frames=frames_each(1) if most_pages else 0,
    )
    listener = listen(host, port)
    store = JobStore(
        state or state_folder(),
        most_waiting=most_waiting,
        keep_files=keep,
        most_pages=most_pages,
    )
    _check_trail(store)
    settings = Settings(token=token, names=tuple(name or ()), most_bytes=max_mb * 1_000_000)
    service = Service(store, task, settings, threads=threads, limit_s=seconds)
    try:
        server = make_server(
            service,
            cert=tls_cert,
            key=tls_key,
            on_start=lambda: _say_where(
                listener.getsockname(),
                host,
                tls=tls_cert is not None,
                token=token is not None,
            ),
        )
        service.start()
        server.run(sockets=[listener])
        if not service.runner.alive:
            raise EngineError(
                "studies are not answered any more, for the reason above: start again"
            )
    finally:
        service.close()
        store.close()


def _check_trail(store: JobStore) -> None:
    from edgeecho.console import words
    from edgeecho.jobs.audit import first_broken

    if number := first_broken(store.whole_trail()):
        words.print(
            f"the audit trail was changed behind our back: entry {number} is not as it was written"
        )


def _say_where(address: tuple[str, int], host: str, *, tls: bool, token: bool) -> None:
    from edgeecho import RESEARCH_USE
    from edgeecho.console import words
    from edgeecho.serve.settings import is_loopback

    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    words.print(f"serving http{'s' if tls else ''}://{shown}:{address[1]}")
    if not tls and not is_loopback(host):
        words.print(
            "without TLS, token and frames can be read on the way: give --tls-cert, --tls-key"
        )
    if token:
        words.print("a token is asked for")
    words.print(RESEARCH_USE)
