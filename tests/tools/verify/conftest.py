from __future__ import annotations

import sys
from pathlib import Path

import pytest
from made import made
from traced import traced_once

from edgeecho.cli.app import main


@pytest.fixture(scope="session")
def lower_bundle(
    narrow_run: Path, narrow_bundle: Path, phantoms: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Bundle of `narrow_run` with fp32, fp16 and int8, and set.json beside it: 4 clips."""
    pytest.importorskip("onnxscript")

    def make(folder: Path) -> None:
        folder.mkdir()
        chosen, checkpoint = folder / "set.json", narrow_run / "best.pt"
        select = ("--out", chosen, "--n", 4, "--model", narrow_bundle)
        run("calibrate", "select", phantoms, *select)
        # One epoch on ten phantoms is a network with a drift of its own.
        limits = ["int8.mean=2", "int8.p95=3", "int8.max=3", "int8.mae=2"]
        options = [f"--limit={limit}" for limit in limits]
        words = ["--fp16", "--int8", "--calibration", chosen, *options]
        with traced_once():
            run("export", checkpoint, "--out", folder / "bundle", "--name", "lower", *words)

    return made("lower", tmp_path_factory.mktemp("lower") / "made", make) / "bundle"


def run(*words: object) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["edgeecho", *map(str, words)])
        main()
    assert not ended.value.code
