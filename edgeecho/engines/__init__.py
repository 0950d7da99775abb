"""Back ends: one small module each behind one protocol, found through one table."""

from edgeecho.engines.base import Engine, EngineFacts
from edgeecho.engines.registry import ENGINES, EngineEntry, cpu_engine, load_engine

__all__ = ["ENGINES", "Engine", "EngineEntry", "EngineFacts", "cpu_engine", "load_engine"]
