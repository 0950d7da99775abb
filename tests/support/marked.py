"""Commands as parameters of tests: those whose package brings torch are marked so."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Any

import pytest


def marked(commands: Iterable[str]) -> list[Any]:
    needing = {entry.name for entry in entry_points(group="edgeecho.commands") if entry.extras}
    return [pytest.param(c, marks=pytest.mark.torch) if c in needing else c for c in commands]
