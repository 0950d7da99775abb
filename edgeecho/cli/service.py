"""Options that `serve` and `listen` have in common, and what they make of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgeecho.cine import Limits
    from edgeecho.service.dicom import NodeSettings
    from edgeecho.service.jobs import JobStore

State = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Queue, history and audit trail; default: the user's own."),
]
KeepFiles = Annotated[
    bool, typer.Option("--keep-files", help="Keep what was sent after it is answered.")
]
Queue = Annotated[int, typer.Option(min=1, help="Refuse when so many studies wait.")]
Limit = Annotated[
    float, typer.Option(metavar="S", min=1, help="Give a study up after so many seconds.")
]
AETitle = Annotated[str, typer.Option(metavar="AE", help="AE title of the node.")]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        metavar="AE@ADDRESS",
        help="Who may send, by IP address or network; may be repeated. Default: this machine.",
    ),
]
SendTo = Annotated[
    str | None,
    typer.Option(metavar="AE@HOST:PORT", help="Send structured reports there by C-STORE."),
]
Reports = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Write them here instead; default: STATE/sr."),
]


def node_settings(
    state: Path,
    *,
    aet: str,
    bind: str,
    port: int,
    allow: list[str] | None,
    send_to: str | None,
    out: Path | None,
    limits: Limits,
) -> NodeSettings:
    """What a node is told; `UsageError` where it makes no sense."""
    from edgeecho.common.errors import UsageError
    from edgeecho.service.dicom import Destination, NodeSettings, Peer
    from edgeecho.service.dicom.settings import LOOPBACK

    if send_to and out:
        raise UsageError("--send-to and --out both say where results go: leave one out")
    return NodeSettings(
        results=Destination.parse(send_to) if send_to else out or state / "sr",
        ae_title=aet,
        bind=bind,
        port=port,
        allow=tuple(map(Peer.parse, allow)) if allow else LOOPBACK,
        limits=limits,
    )


def beside_state(*given: Path | None) -> list[Path]:
    """What of edgeecho may lie in a state folder before it is one: what the options name, and the
    cache of compiled models. In a container all of it is on one volume, and on Windows the cache is
    the same folder."""
    from edgeecho.common.cache import cache_folder

    cache = cache_folder()
    compiled = cache.glob("*.compiled") if cache is not None else ()
    return [path for path in (*given, cache, *compiled) if path is not None]


def check_trail(store: JobStore) -> None:
    """Say so where somebody changed the audit trail."""
    from edgeecho.common.console import words
    from edgeecho.service.jobs.audit import first_broken

    if number := first_broken(store.trail.entries()):
        words.print(
            f"the audit trail was changed behind our back: entry {number} is not as it was written"
        )


def check_waiting(store: JobStore, source: str, remedy: str) -> None:
    """`UsageError` where studies wait that this service would answer without what they need: a
    report to their archive, or the forms that the page shows."""
    from edgeecho.common.errors import UsageError

    if waiting := store.queue.unfinished(source):
        came = {"dicom": "by DICOM", "upload": "over the API"}[source]
        raise UsageError(
            f"studies that came {came} wait in this state folder ({waiting}): {remedy}, or choose "
            "another --state"
        )
