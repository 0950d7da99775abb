"""What takes long to make and depends on nothing but the code: made once for all runs of the tests.

It lies in build/tests/, under a hash of all code of ours and of the versions of what computes it.
Workers of one run wait for each other. Each gets a copy, so that no test can spoil it for others.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "tests"
_STAGES = ("edgeecho", "train", "calibration", "export", "tests/support", "tests/conftest.py")
_COMPUTED_BY = ("numpy", "opencv-python-headless", "torch", "onnx", "onnxscript", "openvino")
_DAY_S = 86_400

PHANTOMS = ("--n", 16, "--seed", 158, "--frames", 70)
"""What `edgeecho phantom` is told for the data set of all tests: a seed of all three splits."""


def made(name: str, to: Path, make: Callable[[Path], object]) -> Path:
    """`to`, a folder that is not there yet, as `make` once filled one of the same name."""
    return Path(shutil.copytree(made_file(name, make), to))


def made_file(name: str, make: Callable[[Path], object]) -> Path:
    """The file or folder `name` as `make` once wrote it; to be read only."""
    kept = KEPT / _state_of_the_code() / name
    kept.parent.mkdir(parents=True, exist_ok=True)
    with (kept.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            half = kept.with_name(f"{name}.half")
            shutil.rmtree(half, ignore_errors=True)
            make(half)
            half.rename(kept)
    os.utime(kept.parent)
    return kept


@functools.cache
def _state_of_the_code() -> str:
    # A mutation run changes the code and wants what the unchanged code made.
    if state := os.environ.get("EDGEECHO_TESTS_MADE"):
        return state
    found = hashlib.sha256(sys.version.encode())
    for name in _COMPUTED_BY:
        found.update(_version(name).encode())
    for stage in _STAGES:
        for path in sorted([ROOT / stage, *(ROOT / stage).rglob("*.py")]):
            if path.suffix == ".py":
                found.update(path.relative_to(ROOT).as_posix().encode())
                found.update(path.read_bytes())
    _forget_old()
    return found.hexdigest()[:16]


def _forget_old() -> None:
    for folder in KEPT.glob("*"):
        if time.time() - folder.stat().st_mtime > _DAY_S:
            shutil.rmtree(folder, ignore_errors=True)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
