"""Engines that would call home, told not to before they are imported.

OpenVINO: `import openvino` writes a persistent identifier to `~/intel` and posts it, with version
and system, to a public analytics service, on Linux from a thread that forks. OpenBLAS stops its
threads when a process forks, so a matrix product in another thread may wait for ever (14 of 15
processes hung, with this module none of 15).

ONNX Runtime, from 1.29: its first session writes an identifier and a database to the user's cache
and posts events to its maker (Privacy.md in its wheel).
"""

from __future__ import annotations

import os
import sys


def shut_out() -> None:
    """For this process and those that it starts; what was imported before has called already.

    Done by `import edgeecho`, for no code of ours can then forget it.
    """
    # Python refuses to import what is None here, and OpenVINO then takes a stub of its own.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    # Read once, when the library is initialised: its function to switch events off comes too late.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
