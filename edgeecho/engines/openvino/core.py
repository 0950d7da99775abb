"""OpenVINO's `Core`, one for the whole process."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def core() -> Any:
    """The one `Core`, which lasts as long as the process.

    Each `Core` with a CPU plugin gives its thread a signal stack of its own and, when it ends, the
    one that it found, although another `Core` may have unmapped that: of two that end in the order
    in which they began, the last leaves an unmapped stack (seen in OpenVINO 2026.4, `sigaltstack`
    in src/plugins/intel_cpu/src/plugin.cpp). The next signal with a handler, such as SIGTERM, then
    ends the process by SIGSEGV.
    """
    import openvino

    return openvino.Core()
