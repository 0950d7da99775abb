"""`make pythons`: the runtime on every Python that is promised, in an environment of its own each.

What is tested is the wheel, not the clone: first the smoke test with nothing but what the runtime
needs, then the quick tests with what the page, the DICOM node and the tests need besides. The
stages that need torch are developed and tested on 3.11.
"""

from __future__ import annotations

from pathlib import Path

import nox

PYTHONS = ["3.10", "3.12", "3.13"]
QUICK = "not slow and not torch and not browser"
# Tests mirror the tree; those of pages and stages belong to 3.11.
FOLDERS = [
    f"tests/{folder.name}" for folder in sorted(Path("edgeecho").iterdir()) if folder.name[0] != "_"
]
TESTS = [folder for folder in FOLDERS if Path(folder).is_dir()]
PYTEST = ["pytest", "-q", "-n", "auto", "--dist", "loadfile", "-m", QUICK, *TESTS]
BESIDE = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test")

nox.options.error_on_missing_interpreters = True
nox.options.reuse_venv = "no"


@nox.session(python=PYTHONS)
def runtime(session: nox.Session) -> None:
    """Smoke test and quick tests of the installed wheel."""
    session.install("-c", "constraints.txt", ".")
    session.run(".ci/smoke", session.virtualenv.location, external=True)
    session.install("-c", "constraints.txt", ".[serve,dicom,ort,evaluate]", *BESIDE)
    session.run(*PYTEST)


@nox.session(python="3.10", default=False)
def lowest(session: nox.Session) -> None:
    """The oldest versions that `pyproject.toml` allows, as locked in tests/lowest.txt."""
    session.install("-c", "tests/lowest.txt", ".[serve,dicom,ort,evaluate]", *BESIDE)
    session.run(*PYTEST)


@nox.session(python="3.13", default=False)
def newest(session: nox.Session) -> None:
    """The newest versions that there are."""
    session.install(".[serve,dicom,ort,evaluate]", *BESIDE)
    session.run(*PYTEST)
