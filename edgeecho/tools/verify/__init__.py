"""Verifying that an artefact gives PyTorch's EF: limits, measurement, references."""

from edgeecho.tools.verify.data import describe_drift, record_drift, references_of
from edgeecho.tools.verify.drift import BATCHES, Drift, ReferenceInputs, measure_drift, miss
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
    "ReferenceInputs",
    "ReferenceSet",
    "VerifyReport",
    "describe_drift",
    "measure_drift",
    "miss",
    "read_references",
    "record_drift",
    "references_of",
    "save_references",
    "to_json",
    "to_text",
    "verify_bundle",
]
