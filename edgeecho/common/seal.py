"""A hash of a JSON document inside it, to find damage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """`value` with a `seal`, the SHA-256 of all the rest: a damaged mean is a wrong EF.

    It finds damage and careless edits; it is no signature.
    """
    rest = {k: v for k, v in value.items() if k != "seal"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return {**rest, "seal": hashlib.sha256(text.encode()).hexdigest()}
