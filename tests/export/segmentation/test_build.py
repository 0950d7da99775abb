"""Real TensorRT-RTX engines of a segmentation, built on the CPU."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rtx import needs_rtx

from edgeecho.bundle import open_model
from edgeecho.engines import segmentation_file
from edgeecho.engines.sidecar import FOLDER, check_engine
from edgeecho.engines.tensorrt.built import read_engines

pytestmark = [needs_rtx, pytest.mark.slow]


@pytest.mark.parametrize(
    ("precision", "inputs"), [("fp16", {"Half": 66}), ("int8", {"Int8": 37, "Float": 29})]
)
def test_the_segmentation_is_built_beside_the_ef_network(
    precision: str, inputs: dict[str, int], edgeecho, in_every_precision: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(in_every_precision, tmp_path / "bundle"))
    words = ("--precision", precision, "--compute-capability", "sm86")
    done = edgeecho("build", bundle, *words)
    assert done.returncode == 0, done.stderr
    found = {sidecar.onnx_file: sidecar for sidecar in read_engines(bundle)[0]}
    assert found.keys() == {f"{precision}.onnx", f"segmentation.{precision}.onnx"}
    sidecar = found[f"segmentation.{precision}.onnx"]
    name = f"{precision}-segmentation-tensorrt-rtx-{sidecar.version}-sm86.engine"
    assert sidecar.file == name
    assert f"wrote {bundle / FOLDER / name}" in done.stdout
    assert f"from segmentation.{precision}.onnx" in done.stdout
    # A run takes up to the 16 frames that inference asks for.
    assert (sidecar.batch, sidecar.input_shape) == ((1, 16, 16), (3, 112, 112))
    built = {kind: len(names) for kind, names in sidecar.layers["convolutions"].items()}
    assert built == inputs
    masks = segmentation_file(open_model(bundle, precision=precision))
    assert check_engine(sidecar, bundle / FOLDER, masks).name == name
    assert found[f"{precision}.onnx"].input_shape == (3, 16, 56, 56)
