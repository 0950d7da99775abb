"""What a bundle warns of: skill that was not shown, and a normalisation that was only assumed.

A checkpoint that is not ours may not say how its videos were normalised. Where another's numbers
were taken for it, nobody knows how far its EFs are off, so every answer says whose they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeecho.bundle.skill import Skill, warn_of

NORMALISATION = "mean and std"
"""Key of `assumed`, of which every answer warns."""


def assumed_in(provenance: Mapping[str, Any]) -> Mapping[str, str]:
    """Whose number was taken for what the checkpoint does not say; `TypeError` if malformed."""
    found = provenance.get("assumed", {})
    if not isinstance(found, Mapping) or not all(
        isinstance(text, str) for pair in found.items() for text in pair
    ):
        raise TypeError("assumed cannot be anything but texts")
    return found


def model_warnings(skill: Skill | None, normalisation: str | None) -> tuple[str, ...]:
    """The warnings of a model for its card and every answer; `normalisation`: whose was assumed."""
    if normalisation is None:
        return warn_of(skill)
    return (
        *warn_of(skill),
        f"{NORMALISATION} are {normalisation}, not measured on this checkpoint's training data: "
        "`edgeecho stats DATA` measures them, and a new import takes them as --mean and --std",
    )
