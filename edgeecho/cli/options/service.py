"""Options of `edgeecho serve` and `edgeecho listen`: queue, DICOM node, HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgeecho.cine import DecodeLimits
    from edgeecho.service.dicom import NodeSettings
    from edgeecho.service.http.settings import HttpSettings

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
Quiet = Annotated[
    float,
    typer.Option(
        metavar="S",
        min=0,
        max=86_400,
        help="Answer a study once nothing of it has come for so many seconds.",
    ),
]
StudyEF = Annotated[
    str,
    typer.Option(
        metavar="RULE", help="EF of a study: best (clip), or mean (of the clips that count)."
    ),
]
PDF = Annotated[
    bool, typer.Option("--pdf", help="Send reports as encapsulated PDFs too, for other viewers.")
]


@dataclass(frozen=True)
class QueueOptions:
    """The queue, and where it is stored."""

    state: State = None
    keep_files: KeepFiles = False
    queue: Queue = 100
    limit: Limit = 120

    @property
    def folder(self) -> Path:
        """The state folder."""
        from edgeecho.service.jobs import state_folder

        return self.state or state_folder()


@dataclass(frozen=True)
class NodeOptions:
    """A DICOM node, except for where it listens."""

    aet: AETitle = "EDGEECHO"
    allow: Allow = None
    send_to: SendTo = None
    out: Reports = None
    quiet: Quiet = 60
    study_ef: StudyEF = "best"
    pdf: PDF = False

    def settings(self, state: Path, *, bind: str, port: int, limits: DecodeLimits) -> NodeSettings:
        """Check the options; `UsageError` if they make no sense. `state` is the state folder."""
        from edgeecho.cli.options.study import parse_rule
        from edgeecho.common.errors import UsageError
        from edgeecho.service.dicom import Destination, NodeSettings, Peer
        from edgeecho.service.dicom.settings import LOOPBACK

        if self.send_to and self.out:
            raise UsageError("--send-to and --out both say where results go: leave one out")
        return NodeSettings(
            results=Destination.parse(self.send_to) if self.send_to else self.out or state / "sr",
            ae_title=self.aet,
            bind=bind,
            port=port,
            allow=tuple(map(Peer.parse, self.allow)) if self.allow else LOOPBACK,
            limits=limits,
            quiet_s=self.quiet,
            study_ef=parse_rule(self.study_ef),
            pdf=self.pdf,
        )


@dataclass(frozen=True)
class HttpOptions:
    """Where the page and API are served, and to whom."""

    host: Annotated[
        str, typer.Option(help="Address to listen on; other than loopback it needs a token.")
    ] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8117
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that every request must bear.")
    ] = None
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.")] = None
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None
    name: Annotated[
        list[str] | None,
        typer.Option(help="Host name under which it is called. May be repeated."),
    ] = None

    def settings(self, *, max_mb: int) -> HttpSettings:
        """Check the options; `UsageError` if they are invalid or let other machines in unasked."""
        from edgeecho.common.errors import UsageError
        from edgeecho.service.http.settings import HttpSettings, check_exposure, read_token

        if (self.tls_cert is None) != (self.tls_key is None):
            raise UsageError("--tls-cert and --tls-key belong together: give both or none")
        token = read_token(self.token_file) if self.token_file else None
        check_exposure(self.host, token)
        names = tuple(self.name or ())
        return HttpSettings(token=token, names=names, most_bytes=max_mb * 1_000_000)
