"""How many threads an engine is fastest with on this machine, as `edgeecho tune` has measured.

Kept among the compiled models, with the same checks: `edgeecho doctor --clear-cache` forgets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeecho.common.cache import load_entry, store_entry


def recall_threads(machine: Mapping[str, Any], precision: str) -> int:
    """Threads for models of `precision`; 0: nothing was measured, or the engine chooses well."""
    found = load_entry(_key(machine, precision))
    return int(found) if found else 0


def remember_threads(machine: Mapping[str, Any], precision: str, threads: int) -> None:
    """From now on `recall_threads` gives this, for processes that keep compiled models."""
    store_entry(_key(machine, precision), str(threads).encode())


def _key(machine: Mapping[str, Any], precision: str) -> dict[str, Any]:
    return {"tuned": "threads", "precision": precision, **machine}
