"""Engines: a folder for each library, all behind one protocol and found by descriptors."""

from edgeecho.engines.base import Engine, EngineFacts, Outputs, SharedEngine
from edgeecho.engines.descriptor import EngineDescriptor
from edgeecho.engines.registry import (
    OURS,
    cpu_engine,
    engines,
    find_engine,
    load_engine,
    load_limit_s,
    load_shared,
    shares,
)

__all__ = [
    "OURS",
    "Engine",
    "EngineDescriptor",
    "EngineFacts",
    "Outputs",
    "SharedEngine",
    "cpu_engine",
    "engines",
    "find_engine",
    "load_engine",
    "load_limit_s",
    "load_shared",
    "shares",
]
