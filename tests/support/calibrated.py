"""A narrow bundle that was calibrated on its training phantoms."""

from __future__ import annotations

import shutil
from pathlib import Path

LEAST = 5


def words(bundle: Path, phantoms: Path, *more: object) -> list[str]:
    keep = bundle.with_name("kept.jsonl")
    given = ["trust", phantoms, "--model", bundle, "--split", "TRAIN", "--clips", "stride:32",
             "--level", 0.7, "--least", LEAST, "--keep", keep, *more]  # fmt: skip
    return list(map(str, given))


def calibrate(narrow_bundle: Path, phantoms: Path, out: Path) -> None:
    """Write a calibrated copy of the bundle into `out`, with `kept.jsonl` beside it."""
    from typer.testing import CliRunner

    from edgeecho_calibration.cli import app

    bundle = Path(shutil.copytree(narrow_bundle, out / "bundle"))
    done = CliRunner().invoke(app, words(bundle, phantoms), catch_exceptions=False)
    assert done.exit_code == 0, done.output
