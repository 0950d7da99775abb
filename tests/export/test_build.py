"""Real TensorRT-RTX engines, built on the CPU."""

from __future__ import annotations

import dataclasses
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from graphs import quantize, write_random
from rtx import describe, needs_rtx

from edgeecho.bundle import default_model, open_model
from edgeecho.common.errors import EngineError, ModelError, UsageError, VerificationError
from edgeecho.common.files import sha256_file
from edgeecho.engines.sidecar import FOLDER, check_engine, sidecar_of
from edgeecho.engines.tensorrt.built import read_engines
from edgeecho_export.recipes.fp16 import write_fp16
from edgeecho_export.targets import publish as build_module
from edgeecho_export.targets.layers import LayerReport
from edgeecho_export.targets.library import RTX
from edgeecho_export.targets.network import Built, Plan, build_apart
from edgeecho_export.targets.publish import build_rtx

pytestmark = [needs_rtx, pytest.mark.slow]

BATCH = (1, 4, 8)
STEM = ["stem.0", "stem.3"]


def make_bundle(folder: Path, width: float, *, frames: int, size: int) -> Path:
    folder.mkdir()
    fp32 = write_random(folder / "fp32.onnx", width, frames=frames, size=size)
    write_fp16(fp32, folder / "fp16.onnx")
    quantize(fp32, folder / "int8.onnx")
    return describe(folder)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network at full size: 15 s, most of them the export and one clip of calibration."""
    return make_bundle(tmp_path_factory.mktemp("full") / "full", 1.0, frames=32, size=112)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("narrow") / "narrow", 0.0625, frames=16, size=56)


@pytest.fixture
def bundle(narrow: Path, tmp_path: Path) -> Path:
    """A narrow bundle to write into."""
    return shutil.copytree(narrow, tmp_path / "bundle")


def names(folder: Path) -> list[str]:
    """Files under a final name: those with a dot in front are on their way."""
    return sorted(f.name for f in folder.glob("[!.]*"))


@pytest.mark.parametrize(
    ("precision", "inputs", "megabytes"),
    [
        ("fp32", {"Float": 37}, (120, 130)),
        ("fp16", {"Half": 37}, (60, 68)),
        ("int8", {"Int8": 35, "Float": 2}, (33, 45)),
    ],
)
def test_full_size_network_has_the_precision_it_asks_for(
    precision: str, inputs: dict[str, int], megabytes: tuple[int, int], full: Path
) -> None:
    built = build_rtx(full, precision, ["sm86", "sm89", "sm120"], BATCH)
    assert built.report.inputs() == inputs
    convolutions = built.sidecar.layers["convolutions"]
    assert {kind: len(found) for kind, found in convolutions.items()} == inputs
    if precision == "int8":
        assert convolutions["Float"] == STEM
    else:
        assert next(iter(convolutions.values()))[:2] == STEM
    assert built.report.layers == built.sidecar.layers["count"] > 37
    size = built.path.stat().st_size / 1e6
    assert megabytes[0] < size < megabytes[1]
    version = built.sidecar.version
    assert built.path.name == f"{precision}-tensorrt-rtx-{version}-sm86-sm89-sm120.engine"


@pytest.mark.parametrize(
    ("precision", "node"),
    [("fp32", "3D convolution"), ("int8", "3D convolution"), ("fp16", "GEMM")],
)
def test_turing_is_refused_with_the_reason(precision: str, node: str, full: Path) -> None:
    before = names(full / FOLDER)
    with pytest.raises(EngineError, match=f"sm75 .Turing. has no FP32 {node}") as caught:
        build_rtx(full, precision, ["sm75", "sm86"], BATCH)
    assert f"cannot build {precision}.onnx" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names(full / FOLDER) == before


def test_refused_build_does_not_spoil_the_next(bundle: Path) -> None:
    # In one process TensorRT-RTX 1.7.1 would then build INT8 as float.
    with pytest.raises(EngineError, match="sm75"):
        build_rtx(bundle, "int8", ["sm75"], BATCH)
    assert build_rtx(bundle, "int8", ["sm86"], BATCH).report.inputs() == {"Int8": 35, "Float": 2}


def test_builder_that_crashes_is_an_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crash.py").write_text("import os; os.abort()")
    monkeypatch.syspath_prepend(tmp_path)
    crash = dataclasses.replace(RTX, engine=dataclasses.replace(RTX.engine, package="crash"))
    with pytest.raises(EngineError, match="process ended") as caught:
        build_apart(crash, b"", Plan(BATCH))
    assert "\n" not in str(caught.value)


def test_layers_returned_to_float_are_reported_by_name(narrow: Path, bundle: Path) -> None:
    convolutions = [
        n.name for n in onnx.load(bundle / "fp32.onnx").graph.node if n.op_type == "Conv"
    ]
    excluded = [*convolutions[:2], convolutions[10]]
    quantize(narrow / "fp32.onnx", bundle / "int8.onnx", nodes_to_exclude=excluded)
    built = build_rtx(describe(bundle), "int8", ["sm86"], BATCH)
    assert built.report.inputs() == {"Int8": 34, "Float": 3}
    assert built.sidecar.layers["convolutions"]["Float"] == [*STEM, "layer2.0.conv1.0.0"]


def test_command_writes_engine_and_sidecar(edgeecho, bundle: Path) -> None:
    options = ["--precision", "fp16", "--engine", "tensorrt-rtx", "--batch", "1,2,16"]
    done = edgeecho("build", bundle, *options, "--compute-capability", "SM120,sm86")
    assert done.returncode == 0, done.stderr
    (sidecar,) = read_engines(bundle)[0]
    stem = f"fp16-tensorrt-rtx-{sidecar.version}-sm86-sm120"
    assert names(bundle / FOLDER) == [f"{stem}.engine", f"{stem}.json"]
    assert list((bundle / FOLDER).glob(".*")) == []
    assert f"wrote {bundle / FOLDER / stem}.engine" in done.stdout
    assert "37 Half" in done.stdout
    assert re.search(r"\d\d layers, \d of which only move or convert data", done.stdout)
    assert re.search(r"activation memory \d+ MB", done.stdout)
    assert "no GPU has seen this engine" in done.stdout
    assert "esearch" in done.stdout
    import tensorrt_rtx

    assert (sidecar.kind, sidecar.version) == ("tensorrt-rtx", tensorrt_rtx.__version__)
    assert sidecar.onnx_sha256 == sha256_file(bundle / "fp16.onnx")
    assert sidecar.compute_capabilities == ("sm86", "sm120")
    assert sidecar.batch == (1, 2, 16)
    assert sidecar.input_shape == (3, 16, 56, 56)
    engine = check_engine(sidecar, bundle / FOLDER, open_model(bundle, precision="fp16"))
    assert sha256_file(engine) == sidecar.sha256


def test_shared_graph_gets_an_engine_of_its_own(edgeecho, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(default_model(), tmp_path / "bundle"))
    done = edgeecho("build", bundle, "--precision", "fp32", "--compute-capability", "sm86,sm120")
    assert done.returncode == 0, done.stderr
    found = {s.onnx_file: s for s in read_engines(bundle)[0]}
    model = open_model(bundle, precision="fp32")
    assert model.shared is not None
    plain, shared = found["fp32.onnx"], found["fp32-shared.onnx"]
    assert shared.onnx_sha256 == model.shared.sha256
    assert shared.file == plain.file.replace("fp32-", "fp32-shared-", 1)
    # Heads, tails and what is shared of the first layers: 73 convolutions of 37.
    assert {kind: len(names) for kind, names in shared.layers["convolutions"].items()} == {
        "Float": 73
    }
    assert set(shared.layers["convolutions"]["Float"]) == set(plain.layers["convolutions"]["Float"])
    assert done.stdout.count("wrote ") == 2


def test_file_holds_tensorrts_own_bytes(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def remember(*arguments: object) -> Built:
        given.append(build_apart(*arguments))
        return given[0]

    monkeypatch.setattr(build_module, "build_apart", remember)
    built = build_rtx(bundle, "fp16", ["sm86"], BATCH)
    assert built.path.read_bytes() == given[0].data


def test_engines_of_one_bundle_are_told_apart_and_replaced(bundle: Path) -> None:
    for precision, capability in (("fp32", "sm86"), ("fp16", "sm86"), ("fp16", "sm89")):
        build_rtx(bundle, precision, [capability], BATCH)
    build_rtx(bundle, "fp16", ["sm89"], (1, 1, 2))
    found = {(s.precision, s.compute_capabilities): s.batch for s in read_engines(bundle)[0]}
    assert found == {
        ("fp32", ("sm86",)): BATCH,
        ("fp16", ("sm86",)): BATCH,
        ("fp16", ("sm89",)): (1, 1, 2),
    }


def test_stale_engine_is_refused_with_both_sides_named(bundle: Path) -> None:
    built = build_rtx(bundle, "fp32", ["sm86"], BATCH)
    model = onnx.load(bundle / "fp32.onnx")
    model.doc_string = "another"
    onnx.save(model, bundle / "fp32.onnx")
    changed = open_model(describe(bundle), precision="fp32")
    with pytest.raises(EngineError, match="stale") as caught:
        check_engine(built.sidecar, bundle / FOLDER, changed)
    for side in (built.sidecar.onnx_sha256, changed.sha256):
        assert side[:12] in str(caught.value)
    assert "edgeecho build" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--compute-capability", "sm87"], 2, "sm75, sm80, sm86, sm89, sm120"),
        (["--compute-capability", "sm86,8.9"], 2, "8.9 is not known"),
        ([], 2, "no --compute-capability"),
        (["--precision", "fp8"], 2, "fp32, fp16, int8"),
        (["--engine", "openvino"], 2, "give tensorrt, tensorrt-rtx"),
        (["--compute-capability", "sm86", "--batch", "4,2,8"], 2, "in that order"),
        (["--compute-capability", "sm86", "--batch", "4"], 2, "three whole numbers"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    edgeecho, options: list[str], code: int, says: str, bundle: Path
) -> None:
    done = edgeecho("build", bundle, *options)
    assert done.returncode == code
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (bundle / FOLDER).exists()


def test_int8_file_with_a_broken_rule_is_not_built(bundle: Path) -> None:
    quantize(bundle / "fp32.onnx", bundle / "int8.onnx", OpTypesToExcludeOutputQuantization=[])
    with pytest.raises(ModelError, match="conv-relu"):
        build_rtx(describe(bundle), "int8", ["sm86"], BATCH)


def test_changed_file_missing_precision_and_no_bundle_are_refused(bundle: Path) -> None:
    (bundle / "int8.onnx").write_bytes(b"other")
    with pytest.raises(ModelError, match="changed after export"):
        build_rtx(bundle, "int8", ["sm86"], BATCH)
    (bundle / "int8.onnx").unlink()
    with pytest.raises(ModelError, match="holds no int8"):
        build_rtx(describe(bundle), "int8", ["sm86"], BATCH)
    with pytest.raises(ModelError, match="no bundle folder"):
        build_rtx(bundle / "fp32.onnx", "fp32", ["sm86"], BATCH)


def test_layers_of_another_precision_leave_no_engine(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_module, "read_layers", lambda log, model: LayerReport(0, ()))
    with pytest.raises(VerificationError, match=r"37 of 37.*stem\.0: Half was asked for"):
        build_rtx(bundle, "fp16", ["sm86"], BATCH)
    assert not (bundle / FOLDER).exists()


MOMENTS = {
    "before the build": "build.build_apart = lambda *a: kill()",
    "half an engine written": (
        "write = Path.write_bytes\n"
        "Path.write_bytes = lambda p, data: (write(p, data[: len(data) // 2]), kill())"
    ),
    "engine written, not named": "os.fsync = lambda fd: kill()",
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("before", [False, True], ids=["new", "over an old one"])
def test_kill_9_leaves_nothing_new_under_a_final_name(
    moment: str, before: bool, bundle: Path
) -> None:
    if before:
        build_rtx(bundle, "fp32", ["sm86"], (1, 1, 1))
    old = {f.name: f.read_bytes() for f in (bundle / FOLDER).glob("[!.]*")}
    program = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from edgeecho_export.targets import publish as build\n"
        "kill = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"{MOMENTS[moment]}\n"
        f"build.build_rtx(Path({str(bundle)!r}), 'fp32', ['sm86'], (1, 4, 8))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert {f.name: f.read_bytes() for f in (bundle / FOLDER).glob("[!.]*")} == old
    # What it left on its way is in nobody's way.
    built = build_rtx(bundle, "fp32", ["sm86"], BATCH)
    assert [s.batch for s in read_engines(bundle)[0]] == [BATCH]
    assert sidecar_of(built.path).is_file()


def test_kill_9_between_the_two_names_leaves_no_engine_that_a_reader_takes(bundle: Path) -> None:
    build_rtx(bundle, "fp32", ["sm86"], (1, 1, 1))
    program = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from edgeecho_export.targets import publish as build\n"
        "replace = Path.replace\n"
        "def last(p, to):\n"
        "    replace(p, to)\n"
        "    if str(to).endswith('.engine'): os.kill(os.getpid(), signal.SIGKILL)\n"
        "Path.replace = last\n"
        f"build.build_rtx(Path({str(bundle)!r}), 'fp32', ['sm86'], (1, 4, 8))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert read_engines(bundle)[0] == ()
    build_rtx(bundle, "fp32", ["sm86"], BATCH)
    assert [s.batch for s in read_engines(bundle)[0]] == [BATCH]


def test_unknown_capability_is_a_usage_error_that_lists_the_known(narrow: Path) -> None:
    with pytest.raises(UsageError, match=r"sm90 is not known: .*sm75.*sm121"):
        build_rtx(narrow, "fp32", ["sm90"], BATCH)
