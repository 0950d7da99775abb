"""Checks for an NVIDIA GPU that engines make before their library is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeecho.common.errors import EngineError

if TYPE_CHECKING:
    from edgeecho.bundle import ModelFile
    from edgeecho.engines.descriptor import EngineDescriptor


def no_gpu(_model: ModelFile) -> str | None:
    """Why there is no GPU to run on; None if there is one."""
    from edgeecho.engines.nvidia.cuda import probe

    try:
        probe()
    except EngineError as error:
        return str(error)
    return None


def look_for_gpu(engine: EngineDescriptor) -> str:
    """For doctor: the GPU that was found. The engine's library is not imported, see `cuda`."""
    from edgeecho.engines.nvidia.cuda import probe

    return f"installed, not tried; {probe().label}; runs on: {engine.runs_on}"
