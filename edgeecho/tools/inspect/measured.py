"""What an artefact's check found, in words."""

from __future__ import annotations

from edgeecho.bundle import MaskCheck, Verification


def measured(check: Verification | MaskCheck) -> str:
    """Its statistics, where they were measured, and the limits."""
    batches = ", ".join(map(str, check.batches))
    if isinstance(check, MaskCheck):
        return (
            f"Dice {check.dice:.5f}, area {check.area:.3f}, largest {check.worst_area:.2f} on "
            f"{check.frames} frames at batch {batches} "
            f"(allowed {', '.join(f'{k} {v:g}' for k, v in check.allowed.items())})"
        )
    return (
        f"mean {check.mean_drift:.6f}, p95 {check.p95_drift:.6f}, max {check.max_drift:.6f} on "
        f"{check.clips} clips at batch {batches} (allowed {check.tolerance:g})"
    )
