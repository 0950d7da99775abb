"""Engines: a folder for each library, all behind one protocol and found by descriptors."""

from edgeecho.engines.base import (
    DeviceEngine,
    DeviceTimes,
    Engine,
    EngineFacts,
    GraphEngine,
    NoDeviceError,
    Outputs,
    PassedOver,
)
from edgeecho.engines.descriptor import EngineDescriptor
from edgeecho.engines.registry import (
    OURS,
    engines,
    find_engine,
    load_engine,
    load_limit_s,
    load_on_cpu,
    load_segmentation,
    load_shared,
    segmentation_file,
    shares,
)

__all__ = [
    "OURS",
    "DeviceEngine",
    "DeviceTimes",
    "Engine",
    "EngineDescriptor",
    "EngineFacts",
    "GraphEngine",
    "NoDeviceError",
    "Outputs",
    "PassedOver",
    "engines",
    "find_engine",
    "load_engine",
    "load_limit_s",
    "load_on_cpu",
    "load_segmentation",
    "load_shared",
    "segmentation_file",
    "shares",
]
