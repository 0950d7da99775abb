"""Verifying that an artefact gives PyTorch's EF: limits, measurement, references."""

from edgeecho.tools.verify.data import describe_drift, record_drift, references_of
from edgeecho.tools.verify.drift import BATCHES, Drift, ReferenceInputs, measure_drift, miss
from edgeecho.tools.verify.mask_references import read_mask_references, save_mask_references
from edgeecho.tools.verify.masks import MaskDrift, MaskReferences, measure_masks, miss_masks
from edgeecho.tools.verify.references import (
    REFERENCES_FILE,
    ReferenceSet,
    read_references,
    save_references,
)
from edgeecho.tools.verify.report import VerifyReport, to_json, to_text
from edgeecho.tools.verify.run import verify_bundle

__all__ = [
    "BATCHES",
    "REFERENCES_FILE",
    "Drift",
    "MaskDrift",
    "MaskReferences",
    "ReferenceInputs",
    "ReferenceSet",
    "VerifyReport",
    "describe_drift",
    "measure_drift",
    "measure_masks",
    "miss",
    "miss_masks",
    "read_mask_references",
    "read_references",
    "record_drift",
    "references_of",
    "save_mask_references",
    "save_references",
    "to_json",
    "to_text",
    "verify_bundle",
]
