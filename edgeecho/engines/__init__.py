"""Engines: a folder for each library, all behind one protocol and found by descriptors."""

from edgeecho.engines.base import (
    DeviceEngine,
    DeviceTimes,
    Engine,
    EngineFacts,
    NoDeviceError,
    Outputs,
    PassedOver,
    SharedEngine,
)
from edgeecho.engines.descriptor import EngineDescriptor
from edgeecho.engines.registry import (
    OURS,
    engines,
    find_engine,
    load_engine,
    load_limit_s,
    load_on_cpu,
    load_shared,
    shares,
)

__all__ = [
    "OURS",
    "DeviceEngine",
    "DeviceTimes",
    "Engine",
    "EngineDescriptor",
    "EngineFacts",
    "NoDeviceError",
    "Outputs",
    "PassedOver",
    "SharedEngine",
    "engines",
    "find_engine",
    "load_engine",
    "load_limit_s",
    "load_on_cpu",
    "load_shared",
    "shares",
]
