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
from edgeecho.cli.service import (
    AETitle,
    Allow,
    KeepFiles,
    Limit,
    Queue,
    Reports,
    SendTo,
    State,
    beside_state,
    check_trail,
    check_waiting,
    node_settings,
)

if TYPE_CHECKING:
    from edgeecho.service.dicom import Node, NodeSettings
    from edgeecho.service.http.service import Service

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
    dicom_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Be a DICOM node too, as `edgeecho listen` is, there."),
    ] = None,
    dicom_bind: Annotated[
        str, typer.Option(help="Its IP address; one that others reach needs --allow.")
    ] = "127.0.0.1",
    aet: AETitle = "EDGEECHO",
    allow: Allow = None,
    send_to: SendTo = None,
    out: Reports = None,
    state: State = None,
    keep_files: KeepFiles = False,
    queue: Queue = 100,
    limit: Limit = 120,
    most_pages: Annotated[
        int, typer.Option(min=0, help="Results of which frames and curve are kept.")
    ] = 200,
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

    Needs the extra `serve`, and with --dicom-port `dicom`. Ctrl-C or SIGTERM ends it; what waits
    is answered by the next start.
    """
    from edgeecho.common.plugins import require_extra

    require_extra("`edgeecho serve`", "serve")
    if dicom_port is not None:
        require_extra("`edgeecho serve --dicom-port`", "dicom")
    from contextlib import ExitStack, closing

    from edgeecho.batch import Task
    from edgeecho.bundle import open_model
    from edgeecho.cine import Limits
    from edgeecho.cli.handling import parse_handling
    from edgeecho.common.about import RESEARCH_USE
    from edgeecho.common.console import words
    from edgeecho.common.errors import EngineError, UsageError
    from edgeecho.preprocess import ClipMode
    from edgeecho.results.pictures import frames_each
    from edgeecho.service.http.server import listen, make_server
    from edgeecho.service.http.service import Service
    from edgeecho.service.http.settings import ApiSettings, check_exposure, read_token
    from edgeecho.service.jobs import JobStore, state_folder

    # Before the model is loaded, so that a typo costs nothing.
    mode = ClipMode.parse(clips)
    if (tls_cert is None) != (tls_key is None):
        raise UsageError("--tls-cert and --tls-key belong together: give both or none")
    token = read_token(token_file) if token_file else None
    check_exposure(host, token)
    if dicom_port is None and (allow or send_to or out):
        raise UsageError("--allow, --send-to and --out are the DICOM node's: give --dicom-port")
    folder, limits = state or state_folder(), Limits(max_pixels, max_frames, max_mb)
    task = Task(
        model=open_model(model, precision=precision),
        engine=engine,
        clips=str(mode),
        handling=parse_handling(time, None, False, None),
        fps=None,
        limits=limits,
        show_refused=False,
        frames=frames_each(1) if most_pages else 0,
    )
    node_wish = None
    if dicom_port is not None:
        node_wish = node_settings(
            folder,
            aet=aet,
            bind=dicom_bind,
            port=dicom_port,
            allow=allow,
            send_to=send_to,
            out=out,
            limits=limits,
        )
    settings = ApiSettings(token=token, names=tuple(name or ()), most_bytes=max_mb * 1_000_000)
    with ExitStack() as stack:
        listener = stack.enter_context(listen(host, port))
        store = stack.enter_context(
            closing(
                JobStore(
                    folder,
                    most_waiting=queue,
                    keep_files=keep_files,
                    most_pages=most_pages,
                    beside=beside_state(task.model.path, out, token_file, tls_cert, tls_key),
                )
            )
        )
        check_trail(store)
        if node_wish is None:
            check_waiting(store, "dicom", "give --dicom-port, or start `edgeecho listen`")
        service = stack.enter_context(
            closing(Service(store, task, settings, threads=threads, limit_s=limit))
        )
        node = _node(service, node_wish) if node_wish else None

        def say_where() -> None:
            _say_where(
                listener.getsockname(), host, tls=tls_cert is not None, token=token is not None
            )
            if node and node_wish:
                words.print(f"listening as {node_wish.ae_title} on {node_wish.bind}:{node.port}")
                words.print(f"reports go to {node.target}")
            words.print(RESEARCH_USE)

        server = make_server(service, cert=tls_cert, key=tls_key, on_start=say_where)
        service.start()
        if node:
            stack.enter_context(closing(node))
            node.start()
        server.run(sockets=[listener])
        if not service.alive:
            raise EngineError(
                "studies are not answered any more, for the reason above: start again"
            )


def _node(service: Service, settings: NodeSettings) -> Node:
    from edgeecho.service.dicom import Node

    node = Node(service.store, service.runner, settings)
    service.node_counts = lambda: node.tally
    service.node_alive = lambda: node.alive
    return node


def _say_where(address: tuple[str, int], host: str, *, tls: bool, token: bool) -> None:
    from edgeecho.common.console import words
    from edgeecho.service.http.settings import is_loopback

    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    words.print(f"serving http{'s' if tls else ''}://{shown}:{address[1]}")
    if not tls and not is_loopback(host):
        words.print(
            "without TLS, token and frames can be read on the way: give --tls-cert, --tls-key"
        )
    if token:
        words.print("a token is asked for")
