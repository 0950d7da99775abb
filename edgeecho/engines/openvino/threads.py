"""The fastest number of threads on this machine, as measured by `edgeecho tune`.

It is kept in the cache of compiled models: `edgeecho doctor --clear-cache` removes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeecho.common.cache import load_entry, store_entry


def recall_threads(machine: Mapping[str, Any], precision: str) -> int:
    """Threads for models of `precision`; 0 if nothing was measured, or the engine chooses well."""
    found = load_entry(_key(machine, precision))
    return int(found) if found else 0


def remember_threads(machine: Mapping[str, Any], precision: str, threads: int) -> None:
    """Store what `recall_threads` returns, for processes that cache compiled models."""
    store_entry(_key(machine, precision), str(threads).encode())


def _key(machine: Mapping[str, Any], precision: str) -> dict[str, Any]:
    return {"tuned": "threads", "precision": precision, **machine}
