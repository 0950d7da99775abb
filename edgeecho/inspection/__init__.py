"""What a checkpoint, a bundle or an ONNX file is: network, preprocessing, origin, drift."""

from edgeecho.inspection.read import inspect_model
from edgeecho.inspection.structured import to_json
from edgeecho.inspection.text import to_text
from edgeecho.inspection.types import STAGES, Inspection, NetworkStage

__all__ = ["STAGES", "Inspection", "NetworkStage", "inspect_model", "to_json", "to_text"]
