"""Switches off the telemetry of libraries before they are imported.

OpenVINO: `import openvino` writes a persistent identifier to `~/intel` and posts it, with version
and system, to a public analytics service, on Linux from a thread that forks. OpenBLAS stops its
threads when a process forks, so a matrix product in another thread may never return (14 of 15
processes hung; with this module, none of 15).

ONNX Runtime, since 1.29: its first session writes an identifier and a database to the user's cache
and posts events to its vendor (Privacy.md in its wheel).

Ray reports its use to its vendor every hour from a head node that does not know otherwise.
"""

from __future__ import annotations

import os
import sys


def shut_out() -> None:
    """Switch telemetry off for this process and its children, if they are not yet imported.

    `import edgeecho` calls this, so that no code of ours can forget it.
    """
    # Python refuses to import a module that is None here; OpenVINO then uses its own stub.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    # The library reads this when it is initialised; its function to disable events comes too late.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
