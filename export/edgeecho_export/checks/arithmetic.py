"""The check of FP16 arithmetic: the drift of an FP16 file whose every layer is rounded."""

from __future__ import annotations

from pathlib import Path

import torch

from edgeecho.bundle import Verification
from edgeecho.tools.verify import Drift
from edgeecho_export.checks.parity import DriftCheck
from edgeecho_export.checks.rounded import run_rounded


def verify_arithmetic(fp16: Path, drift_check: DriftCheck) -> Verification:
    """Check the drift of FP16 arithmetic; `VerificationError` if it misses a limit."""
    reference_inputs = drift_check.reference_inputs
    drift = Drift.of(
        run_rounded(fp16, reference_inputs.clips),
        reference_inputs.expected,
        reference_inputs.labels,
    )
    what = f"{fp16.name} (arithmetic, every layer rounded)"
    drift_check.admit(what, drift, "this network needs more than FP16 holds, leave --fp16 out")
    return drift_check.record(drift, "pytorch", torch.__version__, (1,), "arithmetic")
