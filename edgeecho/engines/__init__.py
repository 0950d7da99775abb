"""Back ends: one small module each behind one protocol, found through one table."""

from edgeecho.engines.base import Engine, EngineFacts
from edgeecho.engines.registry import ENGINES, EngineEntry, load_engine

__all__ = ["ENGINES", "Engine", "EngineEntry", "EngineFacts", "load_engine"]
