"""Settings of the API and the page, and checks that they expose nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from edgeecho.common.errors import UsageError

_SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class HttpSettings:
    """HTTP settings; those of the queue are in `JobStore`, those of the engine in `Task`."""

    token: str | None = None
    """Must accompany every request for data; None: no token is needed."""
    names: tuple[str, ...] = ()
    """Host names of the service, beside `localhost` and every IP address."""
    most_bytes: int = 800_000_000
    """Maximum size of an upload."""
    upload_s: float = 300.0
    """Time limit for an upload in s."""
    silence_s: float = 20.0
    """Time limit in s for an upload without a new byte."""


def read_token(file: Path) -> str:
    """The token in a file; `UsageError` if it is too weak, or if other users can read the file."""
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
    """Like ssh with keys, check files of this user only. Secrets in a container belong to root and
    cannot be changed by us."""
    if os.name != "posix":
        return
    about = file.stat()
    if about.st_uid == os.getuid() and about.st_mode & 0o077:
        raise UsageError(
            f"--token-file {file} can be read by other users: run `chmod 600 {file}`, and take a "
            "new token if they are not to be trusted"
        )


def check_exposure(host: str, token: str | None) -> None:
    """`UsageError` if other machines could use the service without a token."""
    if not is_loopback(host) and token is None:
        raise UsageError(
            f"--host {host} lets other machines in: give --token-file FILE (and --tls-cert, "
            "--tls-key), or leave --host out"
        )


def is_loopback(host: str) -> bool:
    """Whether an address or name is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
