"""A JSON document that contains its own hash, so that damage is detected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """`value` with a `seal`, the SHA-256 of everything else: a damaged mean is a wrong EF.

    It detects damage and careless edits. It is not a signature.
    """
    rest = {k: v for k, v in value.items() if k != "seal"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return {**rest, "seal": hashlib.sha256(text.encode()).hexdigest()}
