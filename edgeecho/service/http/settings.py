"""The settings of the API and of the page, and what they may expose."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from edgeecho.common.errors import UsageError

_SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class HttpSettings:
    """The HTTP side's; the queue's are those of `JobStore`, the engine's those of `Task`."""

    token: str | None = None
    """Every request for data must carry it; None: no token is needed."""
    names: tuple[str, ...] = ()
    """Host names, beside `localhost` and every IP address, under which it may be called."""
    most_bytes: int = 800_000_000
    """Maximum size of an upload."""
    upload_s: float = 300.0
    """An upload that takes longer is given up."""
    silence_s: float = 20.0
    """So is one of which no byte comes for longer than this."""


def read_token(file: Path) -> str:
    """The token in a file; `UsageError` where it holds none that is worth the name, or is open to
    others."""
    try:
        _check_private(file)
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--token-file {file} cannot be read: give a text file") from error
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or len(token.split()) != 1:
        raise UsageError(
            f"--token-file {file} holds no token of {_SHORTEST_TOKEN} or more letters and digits: "
            f"make one with `(umask 077; openssl rand -hex 32 > {file})`"
        )
    return token


def _check_private(file: Path) -> None:
    """As ssh does with keys: of files that are this user's own. Secrets that a container is given
    are root's, and not ours to change."""
    if os.name != "posix":
        return
    about = file.stat()
    if about.st_uid == os.getuid() and about.st_mode & 0o077:
        raise UsageError(
            f"--token-file {file} can be read by other users: run `chmod 600 {file}`, and take a "
            "new token if they are not to be trusted"
        )


def check_exposure(host: str, token: str | None) -> None:
    """`UsageError` where other machines could use the service without a token."""
    if not is_loopback(host) and token is None:
        raise UsageError(
            f"--host {host} lets other machines in: give --token-file FILE (and --tls-cert, "
            "--tls-key), or leave --host out"
        )


def is_loopback(host: str) -> bool:
    """Whether an address or name to listen on is seen by this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
