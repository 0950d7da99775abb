"""OpenVINO on the CPU: the default, since the base install includes it and it is the fastest."""

from __future__ import annotations

from edgeecho.bundle import ModelFile
from edgeecho.engines.base import Engine
from edgeecho.engines.descriptor import EngineDescriptor


def _open(engine: EngineDescriptor, model: ModelFile, threads: int, cached: bool) -> Engine:
    from edgeecho.engines.openvino.engine import OpenVINOEngine

    return OpenVINOEngine(engine, model, threads, cached=cached)


ENGINES = (
    EngineDescriptor(
        "openvino",
        package="openvino",
        install="pip install openvino",
        runs_on="CPU (x86-64, arm64)",
        open=_open,
        auto=3,
        shares=True,
    ),
)
