"""Which layer costs what: found where one was damaged, mended by returning it to float."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from made import made
from PIL import Image
from traced import traced_once

from edgeecho.bundle import open_model, read_manifest
from edgeecho.bundle.manifest import MANIFEST_FILE
from edgeecho.common.errors import InputError
from edgeecho.common.files import sha256_file, write_json
from edgeecho.common.precisions import parse_limits
from edgeecho.engines import load_engine
from edgeecho_calibration.floating import quantized_layers, return_to_float
from edgeecho_calibration.select import select
from edgeecho_calibration.sensitivity import Analysis
from edgeecho_calibration.sensitivity_report import read_float_layers
from edgeecho_calibration.sets import CalibrationClips, CalibrationSet, read_set

pytest.importorskip("torch")

pytestmark = pytest.mark.slow

VICTIM = "layer2.0.conv2.0.3"
QUANTIZED = (
    "layer1.0.conv1.0.0",
    "layer2.0.conv1.0.0",
    VICTIM,
    "layer3.0.downsample.0",
    "layer4.1.conv2.0.3",
)
LOOSE = ["int8.mean=50", "int8.p95=50", "int8.max=50", "int8.mae=50"]


@pytest.fixture(scope="module", autouse=True)
def traced() -> Iterator[None]:
    pytest.importorskip("onnxscript")
    with traced_once():
        yield


@pytest.fixture(scope="module")
def run(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint for small clips, so that 70 networks take seconds."""

    def make(out: Path) -> None:
        from edgeecho_train.recipe import TrainingRecipe
        from edgeecho_train.start import train

        recipe = TrainingRecipe(width=0.0625, frames=16, period=4, size=56, epochs=1, batch_size=5)
        train(phantoms, out, recipe, resume=False, device="cpu", workers=0, init="random")

    return made("small-run", tmp_path_factory.mktemp("small") / "run", make)


@pytest.fixture(scope="module")
def chosen(run: Path, phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from edgeecho_export.checkpoint import CheckpointOptions, read_checkpoint

    path = tmp_path_factory.mktemp("set") / "set.json"
    spec = read_checkpoint(run / "best.pt", CheckpointOptions()).preprocess
    write_json(path, select(phantoms, spec, n=3, seed=0).to_dict())
    return path


def export(run: Path, chosen: Path, out: Path, float_layers: tuple[str, ...] = ()) -> Path:
    from edgeecho_export.checkpoint import CheckpointOptions
    from edgeecho_export.pipeline import export as write_bundle
    from edgeecho_export.recipes.base import Calibration, ExportOptions, ModelLabel

    options = ExportOptions(
        precisions=("int8",),
        methods=("minmax",),
        float_layers=float_layers,
        calibration=Calibration(read_set(chosen), sha256_file(chosen)),
        limits=parse_limits(LOOSE),
    )
    label = ModelLabel("small", "1")
    write_bundle(
        run / "best.pt",
        out,
        label,
        given=CheckpointOptions(),
        clips=None,
        overwrite=False,
        options=options,
    )
    return out


@pytest.fixture(scope="module")
def bundle(run: Path, chosen: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "small"
    return made("small-bundle", out, lambda out: export(run, chosen, out))


@pytest.fixture(scope="module")
def few(run: Path, chosen: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With five layers in INT8, so that an analysis builds 11 networks and not 71."""
    every = quantized_layers(onnx.load(bundle / "int8.onnx"))
    floating = tuple(name for name in every if name not in QUANTIZED)
    out = tmp_path_factory.mktemp("few") / "small"
    return made("few-layers", out, lambda out: export(run, chosen, out, floating))


@pytest.fixture(scope="module")
def damaged(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`few`, with one layer's weights 32 times as large as they should be."""
    folder = Path(shutil.copytree(few, tmp_path_factory.mktemp("damaged") / "small"))
    model = onnx.load(folder / "int8.onnx")
    (scale,) = (t for t in model.graph.initializer if t.name == f"{VICTIM}.weight_scale")
    scale.CopyFrom(onnx.numpy_helper.from_array(32 * onnx.numpy_helper.to_array(scale), scale.name))
    onnx.save(model, folder / "int8.onnx")
    manifest = read_manifest(folder)
    artefacts = dict(manifest.artefacts)
    artefacts["int8"] = replace(artefacts["int8"], sha256=sha256_file(folder / "int8.onnx"))
    write_json(folder / MANIFEST_FILE, replace(manifest, artefacts=artefacts).to_dict())
    return folder


@pytest.fixture
def clips(bundle: Path, chosen: Path) -> CalibrationClips:
    return CalibrationClips(read_set(chosen), open_model(bundle).preprocess)


def _efs(path: Path, clips: CalibrationClips, engine: str) -> np.ndarray:
    loaded = load_engine(engine, open_model(path))
    return np.concatenate([loaded.run(clip).ef for clip in clips])


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_all_layers_in_float_are_the_fp32_network(
    bundle: Path, clips: CalibrationClips, tmp_path: Path, engine: str
) -> None:
    int8, fp32 = onnx.load(bundle / "int8.onnx"), onnx.load(bundle / "fp32.onnx")
    names = quantized_layers(int8)
    assert len(names) == 35
    returned = return_to_float(int8, fp32, names)
    onnx.save(returned, tmp_path / "float.onnx")
    assert not {"QuantizeLinear", "DequantizeLinear"} & {n.op_type for n in returned.graph.node}
    assert len(returned.graph.initializer) == len(fp32.graph.initializer)
    found = _efs(tmp_path / "float.onnx", clips, engine)
    # But for the shift by which export made up for the rounding that is gone here.
    shift = found - _efs(bundle / "fp32.onnx", clips, engine)
    assert np.ptp(shift) < 1e-4
    (method,) = read_manifest(bundle).calibration["methods"]
    assert shift.mean() == pytest.approx(method["shift"], abs=1e-4)


@pytest.mark.parametrize("layer", ["layer1.0.conv1.0.0", VICTIM, "layer3.0.downsample.0"])
def test_one_layer_in_float_leaves_the_others_and_a_good_graph(bundle: Path, layer: str) -> None:
    from edgeecho_export.checks.lint import lint_qdq
    from edgeecho_export.targets.layers import expected_inputs

    int8, fp32 = onnx.load(bundle / "int8.onnx"), onnx.load(bundle / "fp32.onnx")
    returned = return_to_float(int8, fp32, [layer])
    onnx.checker.check_model(returned, full_check=True)
    assert lint_qdq(returned) == ()
    kinds = expected_inputs(returned)
    assert [name for name, kind in kinds.items() if kind == "Float"] == [
        *(name for name, kind in expected_inputs(int8).items() if kind == "Float"),
        layer,
    ]
    assert set(quantized_layers(int8)) - set(quantized_layers(returned)) == {layer}
    # Nothing stays in the file that nothing reads.
    read = {name for node in returned.graph.node for name in node.input}
    assert {tensor.name for tensor in returned.graph.initializer} <= read


def test_a_layer_that_is_not_there_is_an_error(bundle: Path) -> None:
    int8, fp32 = onnx.load(bundle / "int8.onnx"), onnx.load(bundle / "fp32.onnx")
    with pytest.raises(InputError, match="layer9 is no quantized convolution"):
        return_to_float(int8, fp32, ["layer9"])


def test_the_damaged_layer_is_found_and_its_return_mends_the_network(
    damaged: Path, few: Path, clips: CalibrationClips
) -> None:
    sound = Analysis(few, clips, "auto").run()
    analysis = Analysis(damaged, clips, "auto")
    steps: list[int] = []
    allowed = 1.5 * sound.int8.max
    found = analysis.run(max_drift=allowed, on_step=lambda: steps.append(1))
    assert found.by_damage()[0].name == VICTIM
    assert found.int8.max > allowed, "the damage must show, or this test proves nothing"
    assert min(found.layers, key=lambda layer: layer.without.mean).name == VICTIM
    assert found.mixed is not None
    assert found.mixed.layers == (VICTIM,)
    assert found.mixed.drift.max <= allowed
    assert found.mixed.slowdown > 0
    assert len(steps) == analysis.steps + 1
    healthy = {layer.name: layer for layer in sound.layers}
    for layer in found.layers:
        if layer.name != VICTIM:
            assert layer.only == healthy[layer.name].only


def test_command_writes_table_and_picture_and_export_takes_the_layers(
    edgeecho: Any, damaged: Path, run: Path, chosen: Path, tmp_path: Path
) -> None:
    out = tmp_path / "s.json"
    words = ["calibrate", "sensitivity", damaged, chosen, "--out", out, "--n", 2]
    done = edgeecho(*words, "--max-drift", 0.002)
    assert done.returncode == 0, done.stderr
    table = json.loads(out.read_text())
    assert table["clips"] == 2
    assert [layer["name"] for layer in table["layers"]] == list(QUANTIZED)
    assert table["float_layers"][0] == VICTIM
    assert f"in float: {VICTIM}" in done.stdout
    assert "not for diagnosis" in done.stdout
    with Image.open(tmp_path / "s.png") as picture:
        assert picture.width > 600
    assert read_float_layers(out) == tuple(table["float_layers"])

    mixed = export(run, chosen, tmp_path / "mixed", read_float_layers(out))
    names = quantized_layers(onnx.load(mixed / "int8.onnx"))
    assert VICTIM not in names
    assert len(names) == 35 - len(table["float_layers"])
    entry = read_manifest(mixed).calibration
    assert entry is not None
    assert entry["float_layers"] == table["float_layers"]
    assert VICTIM in (mixed / "model-card.md").read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ("[]", "is no edgeecho-sensitivity-1 file"),
        ('{"schema": "edgeecho-sensitivity-1", "mixed": null}', "with --max-drift"),
        ('{"schema": "edgeecho-sensitivity-1", "mixed": {}}', "lists no layers"),
        (
            '{"schema": "edgeecho-sensitivity-1", "mixed": {}, "float_layers": "ab"}',
            "lists no layers",
        ),
    ],
)
def test_other_files_are_refused(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        read_float_layers(path)


def test_a_spread_keeps_the_ends(chosen: Path, bundle: Path) -> None:
    every: CalibrationSet = read_set(chosen)
    clips = CalibrationClips(every, open_model(bundle).preprocess)
    found = list(clips.spread(2))
    assert len(found) == 2
    kept = [list(clips)[place] for place in (0, 2)]
    assert all(np.array_equal(a, b) for a, b in zip(found, kept, strict=True))
    assert len(clips.spread(9)) == 3


def test_a_drift_that_only_float_holds_is_refused(
    edgeecho: Any, damaged: Path, chosen: Path, tmp_path: Path
) -> None:
    words = ["calibrate", "sensitivity", damaged, chosen, "--n", 3, "--max-drift", 0]
    done = edgeecho(*words, "--out", tmp_path / "s.json")
    assert done.returncode == 6
    assert "leaves no layer in INT8" in done.stderr
    assert list(tmp_path.iterdir()) == []
    done = edgeecho(*words, "--out", tmp_path / "s.png")
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])


def test_layers_are_checked_before_the_work_begins(run: Path) -> None:
    from edgeecho.common.errors import UsageError
    from edgeecho_export.checkpoint import CheckpointOptions, read_checkpoint
    from edgeecho_export.recipes.int8 import check_layers

    network = read_checkpoint(run / "best.pt", CheckpointOptions()).network
    check_layers(network, [VICTIM])
    for layers, says in ((["layer9"], "layer9 is no layer"), (["stem.0"], "stem.0 is no layer")):
        with pytest.raises(UsageError, match=says):
            check_layers(network, layers)
    every = [n for n, m in network.named_modules() if type(m).__name__ == "Conv3d"][2:]
    assert len(every) == 35
    with pytest.raises(UsageError, match="leaves nothing"):
        check_layers(network, every)
