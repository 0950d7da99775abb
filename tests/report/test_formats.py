"""The table of formats: importing it is cheap, and what its rows name is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edgeecho.report.formats import FORMATS


def test_importing_the_table_imports_no_writer() -> None:
    code = "import sys, edgeecho.report.formats; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "numpy" not in loaded
    assert {name for name in loaded if name.startswith("edgeecho.report")} == {
        "edgeecho.report", "edgeecho.report.formats",
    }  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_names_a_writer(name: str) -> None:
    if FORMATS[name].extra == "dicom":
        pytest.importorskip("highdicom")
    assert callable(FORMATS[name].load())


def test_no_two_formats_of_the_service_have_one_suffix() -> None:
    offered = [form.suffix for form in FORMATS.values() if form.media_type]
    assert "" not in offered
    assert len(set(offered)) == len(offered)
