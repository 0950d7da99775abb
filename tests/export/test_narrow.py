"""The narrow checkpoint in the repository gives the files of the narrow bundle again."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeecho.bundle import read_manifest
from edgeecho.common.files import sha256_file

NARROW = Path(__file__).parents[2] / "models" / "narrow"


@pytest.mark.slow
def test_its_graphs_are_those_of_the_committed_bundle(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    from edgeecho_export.checkpoint import CheckpointOptions, read_checkpoint
    from edgeecho_export.recipes.fp32 import write_onnx
    from edgeecho_export.shared.file import write_shared

    committed = read_manifest(NARROW / "bundle")
    fp32 = committed.artefacts["fp32"]
    assert fp32.shared is not None
    source = read_checkpoint(NARROW / "best.pt", CheckpointOptions())
    assert source.preprocess == committed.preprocess
    label = {"name": committed.name, "version": committed.version}
    # It is older than padding.
    write_onnx(tmp_path / "fp32.onnx", source.network, source.preprocess, **label, pad=1)
    shared, cost = write_shared(tmp_path / "fp32.onnx")
    assert sha256_file(tmp_path / "fp32.onnx") == fp32.sha256
    assert (sha256_file(shared), cost) == (fp32.shared.sha256, fp32.shared.cost)
