"""Findings of `edgeecho doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "absent", "warning", "problem"]
REINSTALL = "pip install --force-reinstall edgeecho"


@dataclass(frozen=True)
class Finding:
    """One thing that was examined."""

    name: str
    status: Status
    """`absent` is optional, `warning` should be fixed, a `problem` stops `infer`."""
    detail: str
    remedy: str = ""
    """What to type or do; empty if nothing."""


@dataclass(frozen=True)
class Diagnosis:
    """All findings, by section."""

    sections: Mapping[str, tuple[Finding, ...]]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Findings that stop `edgeecho infer`."""
        return tuple(f for found in self.sections.values() for f in found if f.status == "problem")

    @property
    def can_infer(self) -> bool:
        """Whether `edgeecho infer VIDEO` can work here."""
        return not self.problems
