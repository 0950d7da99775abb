"""Back ends: one small module each behind one protocol, found through one table."""

from edgeecho.engines.base import Engine, EngineFacts, Outputs, SharedEngine
from edgeecho.engines.registry import (
    ENGINES,
    EngineEntry,
    cpu_engine,
    load_engine,
    load_limit_s,
    load_shared,
    shares,
)

__all__ = [
    "ENGINES",
    "Engine",
    "EngineEntry",
    "EngineFacts",
    "Outputs",
    "SharedEngine",
    "cpu_engine",
    "load_engine",
    "load_limit_s",
    "load_shared",
    "shares",
]
