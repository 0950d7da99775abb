"""Static parts of the page, stored as files of this package."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path


@cache
def read_asset(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def policy_hash(text: str) -> str:
    """Source expression with which a Content-Security-Policy allows this style or script."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
