"""`edgeecho serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgeecho.cli.options.answer import Choices, EngineOptions, LimitOptions, Time, VideoOptions
from edgeecho.cli.options.groups import with_groups
from edgeecho.cli.options.service import HttpOptions, NodeOptions, QueueOptions

if TYPE_CHECKING:
    from edgeecho.service.dicom import Node, NodeSettings
    from edgeecho.service.http.service import Service

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@with_groups
def serve(
    *,
    http: HttpOptions,
    dicom_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Be a DICOM node too, as `edgeecho listen` is, there."),
    ] = None,
    dicom_bind: Annotated[
        str, typer.Option(help="Its IP address; one that others reach needs --allow.")
    ] = "127.0.0.1",
    node: NodeOptions,
    queue: QueueOptions,
    most_pages: Annotated[
        int, typer.Option(min=0, help="Results of which frames and curve are kept.")
    ] = 200,
    engine: EngineOptions,
    time: Time = None,
    limits: LimitOptions,
) -> None:
    """A page and a REST API on this machine, for one engine and a queue.

    Research use only, not for diagnosis. Needs the extra `serve`, and with --dicom-port `dicom`.
    Ctrl-C or SIGTERM ends it; what waits is answered by the next start.
    """
    from edgeecho.common.plugins import require_extra

    require_extra("`edgeecho serve`", "serve")
    if dicom_port is not None:
        require_extra("`edgeecho serve --dicom-port`", "dicom")
    from contextlib import ExitStack, closing

    from edgeecho.cli.service import check_waiting, open_store, say_node
    from edgeecho.common.about import RESEARCH_USE
    from edgeecho.common.console import words
    from edgeecho.common.errors import EngineError, UsageError
    from edgeecho.results.pictures import frames_each
    from edgeecho.service.http.server import listen, make_server
    from edgeecho.service.http.service import Service

    # Before the model is loaded, so that typing errors are reported at once.
    choices, state = Choices.of(engine, VideoOptions(time=time), limits), queue.folder
    settings = http.settings(max_mb=limits.max_mb)
    node_settings = None
    if dicom_port is not None:
        node_settings = node.settings(
            state, bind=dicom_bind, port=dicom_port, limits=choices.limits
        )
    elif node.allow or node.send_to or node.out:
        raise UsageError("--allow, --send-to and --out are the DICOM node's: give --dicom-port")
    task = choices.task(frames=frames_each(1) if most_pages else 0)
    named = (node.out, http.token_file, http.tls_cert, http.tls_key)
    with ExitStack() as stack:
        listener = stack.enter_context(listen(http.host, http.port))
        store = stack.enter_context(open_store(state, queue, task, *named, most_pages=most_pages))
        if node_settings is None:
            remedy = "give --dicom-port, or start `edgeecho listen`"
            check_waiting(store, ["dicom", "study"], "by DICOM", remedy)
        service = stack.enter_context(
            closing(Service(store, task, settings, threads=engine.threads, limit_s=queue.limit))
        )
        beside = _make_node(service, node_settings) if node_settings else None

        def say_where() -> None:
            _say_where(listener.getsockname(), http, token=settings.token is not None)
            if beside and node_settings:
                say_node(beside, node_settings, "reports")
            words.print(RESEARCH_USE)

        server = make_server(service, cert=http.tls_cert, key=http.tls_key, on_start=say_where)
        service.start()
        if beside:
            stack.enter_context(closing(beside))
            beside.start()
        server.run(sockets=[listener])
        if not service.alive:
            raise EngineError(
                "studies are not answered any more, for the reason above: start again"
            )


def _make_node(service: Service, settings: NodeSettings) -> Node:
    from edgeecho.service.dicom import Node

    node = Node(service.store, service.runner, settings)
    service.node_counts = lambda: node.tally
    service.node_alive = lambda: node.alive
    return node


def _say_where(address: tuple[str, int], http: HttpOptions, *, token: bool) -> None:
    from edgeecho.common.console import words
    from edgeecho.service.http.settings import is_loopback

    tls = http.tls_cert is not None
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    words.print(f"serving http{'s' if tls else ''}://{shown}:{address[1]}")
    if not tls and not is_loopback(http.host):
        words.print(
            "without TLS, token and frames can be read on the way: give --tls-cert, --tls-key"
        )
    if token:
        words.print("a token is asked for")
