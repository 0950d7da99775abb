"""Settings of a node: who may send, and where reports go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from edgeecho.cine import DEFAULT_LIMITS, DecodeLimits
from edgeecho.common.errors import UsageError
from edgeecho.study import DEFAULT_RULE, Rule

DEFAULT_QUIET_S = 60.0
"""As long as Orthanc waits until it calls a study stable."""
# PS3.5, 6.2: at most 16 characters of the default repertoire, no backslash or control characters.
_AE_TITLE = re.compile(r"[ -\[\]-~]{1,16}")


@dataclass(frozen=True)
class Peer:
    """An application entity that may send to us, from these addresses."""

    ae_title: str | None
    """None: any title."""
    network: IPv4Network | IPv6Network

    @classmethod
    def parse(cls, text: str) -> Peer:
        """`AE@ADDRESS` or `AE@NETWORK/BITS`; `UsageError` where it is neither."""
        title, _, address = text.rpartition("@")
        try:
            return cls(parse_ae_title(title), ip_network(address))
        except ValueError as error:
            raise UsageError(
                f"--allow {text!r} is no sender: give AE@ADDRESS, such as SCANNER@192.168.1.20 or "
                "SCANNER@192.168.1.0/24 (numbers, not names)"
            ) from error

    def sends_from(self, address: str) -> bool:
        """Whether the address is one of the peer's."""
        return _plain(address) in self.network

    def is_called(self, ae_title: str) -> bool:
        return self.ae_title in (None, ae_title.strip())


LOOPBACK = (
    Peer(None, ip_network("127.0.0.0/8")),
    Peer(None, ip_network("::1/128")),
)
"""Programs on this machine, under any title."""


@dataclass(frozen=True)
class Destination:
    """The application entity to which reports are sent."""

    ae_title: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Destination:
        """`AE@HOST:PORT`; `UsageError` where it is not."""
        title, _, rest = text.rpartition("@")
        host, _, port = rest.rpartition(":")
        try:
            number = int(port)
            if not host or not 0 < number < 65536:
                raise ValueError
            return cls(parse_ae_title(title), host.strip("[]"), number)
        except ValueError as error:
            raise UsageError(
                f"--send-to {text!r} is no destination: give AE@HOST:PORT, such as "
                "ARCHIVE@192.168.1.10:104"
            ) from error

    def __str__(self) -> str:
        return f"{self.ae_title}@{self.host}:{self.port}"


@dataclass(frozen=True)
class NodeSettings:
    """All settings of a node. `UsageError` if they make no sense."""

    results: Destination | Path
    """Destination of structured reports; in a folder they are files."""
    ae_title: str = "EDGEECHO"
    bind: str = "127.0.0.1"
    """IP address of the interface to listen on; `0.0.0.0` or `::`: all."""
    port: int = 11112
    """0: any free port."""
    allow: tuple[Peer, ...] = LOOPBACK
    limits: DecodeLimits = DEFAULT_LIMITS
    """Its size in MB also limits a dataset."""
    most_associations: int = 200
    """Maximum at a time; further ones are rejected temporarily."""
    quiet_s: float = DEFAULT_QUIET_S
    """A study is answered after nothing of it has come for so long."""
    study_ef: Rule = DEFAULT_RULE
    """How its EF comes from its clips."""
    pdf: bool = False
    """Whether reports are sent as encapsulated PDFs too."""

    def __post_init__(self) -> None:
        try:
            parse_ae_title(self.ae_title)
        except ValueError as error:
            raise UsageError(f"--aet {self.ae_title!r} is no AE title: {error}") from error
        try:
            local = ip_address(self.bind).is_loopback
        except ValueError as error:
            raise UsageError(
                f"--bind {self.bind!r} is no IP address: give that of an interface, or 0.0.0.0 for "
                "all"
            ) from error
        if not local and self.allow == LOOPBACK:
            raise UsageError(
                f"--bind {self.bind} can be reached from other machines: say with "
                "--allow AE@ADDRESS which of them may send"
            )


def parse_ae_title(text: str) -> str:
    """Strip spaces; `ValueError` if it is no AE title."""
    title = text.strip()
    if not title or not _AE_TITLE.fullmatch(title):
        raise ValueError("an AE title has 1 to 16 characters of ASCII, no backslash")
    return title


def _plain(address: str) -> object:
    found = ip_address(address.partition("%")[0])
    # IPv4 on a socket that listens on `::`.
    return getattr(found, "ipv4_mapped", None) or found
