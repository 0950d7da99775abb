"""docs/inputs.md says what happens to every format, whole and broken: it is made by doing it."""

from __future__ import annotations

import pytest
from inputs_page import PAGE, render


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_row_of_the_tables_is_what_happens() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert render(page) == page, "run: .venv/bin/python tests/support/inputs_page.py"
