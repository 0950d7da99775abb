"""Back ends: one small module each behind one protocol, found through one table."""

from edgeecho.engines.base import Engine, EngineFacts, Outputs
from edgeecho.engines.registry import ENGINES, EngineEntry, cpu_engine, load_engine

__all__ = [
    "ENGINES",
    "Engine",
    "EngineEntry",
    "EngineFacts",
    "Outputs",
    "cpu_engine",
    "load_engine",
]
