"""The glossary names code as it is."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

GLOSSARY = (Path(__file__).parents[1] / "docs" / "glossary.md").read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`((?:[a-z_]+\.)+[A-Za-z_]+)`", GLOSSARY)))


def test_it_names_code() -> None:
    assert len(NAMES) > 40


@pytest.mark.parametrize("name", NAMES)
def test_what_it_names_is_there(name: str) -> None:
    where, _, thing = name.rpartition(".")
    package = "edgeecho_train" if where.startswith("phantom") else "edgeecho"
    try:
        found: object = import_module(f"{package}.{where}")
    except ModuleNotFoundError:
        pytest.fail(f"{where} is no module")
    if not hasattr(found, thing):
        import_module(f"{package}.{name}")
