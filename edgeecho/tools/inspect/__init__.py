"""Inspecting a checkpoint, bundle or ONNX file: network, preprocessing, provenance, drift."""

from edgeecho.tools.inspect.read import inspect_model
from edgeecho.tools.inspect.structured import to_json
from edgeecho.tools.inspect.text import to_text
from edgeecho.tools.inspect.types import STAGES, Inspection, NetworkStage

__all__ = ["STAGES", "Inspection", "NetworkStage", "inspect_model", "to_json", "to_text"]
