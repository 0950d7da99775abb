"""The model bundle: its manifest and artefacts, and opening them with all checks."""

from edgeecho.bundle.artefact import Artefact, RangeCheck, SharedCost, SharedGraph, Verification
from edgeecho.bundle.card import render_card, write_manifest
from edgeecho.bundle.files import MaskFile, ModelFile, SharedFile, Task
from edgeecho.bundle.lone import describe_onnx
from edgeecho.bundle.manifest import Manifest
from edgeecho.bundle.open import (
    DEMO,
    EXAMPLE,
    check_files,
    default_model,
    open_model,
    read_manifest,
)
from edgeecho.bundle.segmentation import MaskArtefact, MaskCheck, Segmentation
from edgeecho.bundle.skill import Skill
from edgeecho.bundle.slim import slim

__all__ = [
    "DEMO",
    "EXAMPLE",
    "Artefact",
    "Manifest",
    "MaskArtefact",
    "MaskCheck",
    "MaskFile",
    "ModelFile",
    "RangeCheck",
    "Segmentation",
    "SharedCost",
    "SharedFile",
    "SharedGraph",
    "Skill",
    "Task",
    "Verification",
    "check_files",
    "default_model",
    "describe_onnx",
    "open_model",
    "read_manifest",
    "render_card",
    "slim",
    "write_manifest",
]
