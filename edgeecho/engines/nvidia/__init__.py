"""Checks for an NVIDIA GPU that engines make before their library is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeecho.common.errors import EngineError

if TYPE_CHECKING:
    from edgeecho.bundle import ModelFile


def no_gpu(_model: ModelFile) -> str | None:
    """Why there is no GPU to run on; None if there is one."""
    from edgeecho.engines.nvidia.cuda import probe

    try:
        probe()
    except EngineError as error:
        return str(error)
    return None
