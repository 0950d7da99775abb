"""A real `tritonserver` on the CPU, from the wheel nvidia-pytriton (`make test-triton`)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from processes import wait

ROOT = Path(__file__).parents[2]


def home() -> Path | None:
    """The folder of the server; None where it is not installed."""
    found = find_spec("pytriton")
    return Path(found.origin).parent / "tritonserver" if found and found.origin else None


@contextmanager
def serving(repository: Path, log: Path) -> Iterator[str]:
    """The HTTP address, once all models are ready."""
    server = home()
    assert server is not None
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = "triton_python_backend_stub"
    # It finds its libraries by a path relative to the backend's folder.
    if not (server / "backends" / "python" / stub).exists():
        shutil.copy(server / "python_backend_stubs" / python / stub, server / "backends" / "python")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(server / "bin" / "tritonserver"),
        f"--model-repository={repository}",
        f"--backend-directory={server / 'backends'}",
        "--http-address=127.0.0.1",
        f"--http-port={port}",
        "--allow-grpc=false",
        "--allow-metrics=false",
        "--exit-timeout-secs=10",
    ]
    # The backend's Python is that of PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    paths = [str(ROOT), str(server.parents[1])]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            stdout=stream,
            stderr=stream,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PATH": path},
        )
    try:
        wait(lambda: _listens(port) or process.poll() is not None, 120)
        assert process.poll() is None, log.read_text()
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def _listens(port: int) -> bool:
    """It does so once all models are ready."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
