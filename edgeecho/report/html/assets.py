"""The page's static parts, which are files of this package."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def read_asset(name: str) -> str:
    """Text of one of them."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
