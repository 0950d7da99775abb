"""Finding a Ray, or starting one on this machine that nobody else can reach."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

from edgeecho.common.cpu import usable_cores
from edgeecho.common.errors import EngineError, MissingDependencyError, UsageError

HERE = "local"
"""The address, in Ray's own words, of a Ray that is started for this call."""
_LOOPBACK = "127.0.0.1"
_KNOCK_S = 5.0
# Ray's switch for Macs, where it binds everything to loopback; elsewhere it asks the routing table
# for an address of this machine, and listens on all.
_BIND = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
# Ray's workers are nicer than what started them, by 15: beside other work they would get next to
# nothing.
_AS_NICE = {"RAY_worker_niceness": "0"}
# Whatever it is told, the process that reports Ray's use asks the metadata services of three clouds
# where it is (`usage_lib.py` of Ray 2.60). Through a proxy that is not there it reaches nobody.
_NOBODY = "http://127.0.0.1:9"
_NO_WAY_OUT = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), _NOBODY),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), ""),
}


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """The module `ray`, connected to the Ray at `address`: `local`, `auto` or HOST:PORT.

    `local` starts one that ends with this call. `UsageError` for another kind of address,
    `MissingDependencyError` if Ray is not installed, `EngineError` if it cannot be reached or
    started.
    """
    if address not in (HERE, "auto"):
        _knock(address)
    # Ray prints what it has to say of its workers to stdout, from threads of its own.
    with redirect_stdout(sys.stderr):
        if address == HERE:
            with _started() as ray:
                yield ray
        else:
            ray = _import()
            with _session(ray, address=address):
                yield ray


def _knock(address: str) -> None:
    """Ray itself waits for two minutes, and then ends the process."""
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdecimal():
        raise UsageError(
            f"--ray {address} is no address of a Ray: give HOST:PORT of its head and call edgeecho "
            "on one of its nodes, auto for the Ray of this machine, or local to start one"
        )
    try:
        socket.create_connection((host, int(port)), _KNOCK_S).close()
    except (OSError, OverflowError) as error:
        raise EngineError(
            f"--ray {address}: nothing answers there ({error}): is it the head's address, and does "
            "it run?"
        ) from error
    if host in (_LOOPBACK, "localhost"):  # which Ray would replace by an address of the network
        os.environ.update(_BIND)


@contextmanager
def _started() -> Iterator[Any]:
    """A Ray of this call."""
    os.environ.update(_BIND)  # it is read when Ray is imported
    ray = _import()
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        own = {"num_cpus": usable_cores(), "include_dashboard": False, "_temp_dir": folder}
        with _session(ray, _AS_NICE | _NO_WAY_OUT, address=HERE, **own):
            found = ray.util.get_node_ip_address()
            if found != _LOOPBACK:
                raise EngineError(
                    f"Ray {ray.__version__} listens on {found}, not on this machine alone: start "
                    "a Ray yourself if that is wanted, and name it: --ray auto"
                )
            yield ray


def _import() -> Any:
    # `import edgeecho` has switched its usage statistics off.
    try:
        import ray
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "--ray needs Ray: pip install 'edgeecho[ray]', or leave --ray out"
        ) from error
    return ray


@contextmanager
def _session(
    ray: Any, environment: Mapping[str, str] | None = None, **options: Any
) -> Iterator[None]:
    """Connected, by processes that have these variables beside ours."""
    before = dict(os.environ)
    os.environ.update(environment or {})
    try:
        # What workers print may name files: it stays in Ray's own logs.
        ray.init(**options, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # a start that takes too long is no more than that
        why = str(error).strip().splitlines()
        raise EngineError(
            f"--ray {options['address']}: no Ray can be used there: "
            f"{why[0] if why else type(error).__name__}"
        ) from error
    finally:
        for name in environment or {}:
            os.environ.pop(name)
            if name in before:
                os.environ[name] = before[name]
    try:
        yield
    finally:
        ray.shutdown()
