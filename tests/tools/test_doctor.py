"""`edgeecho doctor`: what is missing is said with how to get it, and nothing private is said."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")

from emulate import emulate

from edgeecho import RESEARCH_USE
from edgeecho.bundle import Artefact, Manifest, ModelFile
from edgeecho.common.files import sha256_file, write_json
from edgeecho.common.text import reason
from edgeecho.engines import OURS, Engine, EngineDescriptor
from edgeecho.preprocess import PreprocessSpec
from edgeecho.tools.doctor import Finding, diagnose, engines, gpu, software

pytestmark = pytest.mark.slow

Cli = Callable[..., tuple[int, str]]


def never(_engine: EngineDescriptor, _model: ModelFile, _threads: int, _cached: bool) -> Engine:
    raise AssertionError("doctor opens no model")


@pytest.fixture
def run_doctor(edgeecho: Any) -> Cli:
    """`run_doctor("--json") -> exit code, stdout`."""

    def run(*words: str) -> tuple[int, str]:
        done = edgeecho("doctor", *words)
        return done.returncode, done.stdout

    return run


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A demo bundle that verifies; doctor compares hashes and does not compile it."""
    folder = tmp_path / "home-of-jane-doe" / "demo"
    folder.mkdir(parents=True)
    (folder / "fp32.onnx").write_bytes(b"\x08\x0a")  # an IR version, and nothing else
    digest = sha256_file(folder / "fp32.onnx")
    manifest = Manifest(
        name="tiny",
        version="1.2.3",
        architecture={"name": "r2plus1d_18", "width": 1.0, "parameters": 1},
        preprocess=PreprocessSpec(mean=(30.0,) * 3, std=(50.0,) * 3),
        provenance={},
        artefacts={"fp32": Artefact("fp32.onnx", digest, "fp32", 18, ())},
        trained_on="nothing",
        intended_use="tests",
        limits=(),
        references={},
    )
    write_json(folder / "manifest.json", manifest.to_dict())
    monkeypatch.setattr("edgeecho.bundle.DEMO", folder)
    monkeypatch.setattr("edgeecho.bundle.open.DEMO", folder)
    return folder


def found(section: str, name: str) -> Finding:
    (finding,) = [f for f in diagnose().sections[section] if f.name == name]
    return finding


def engine_finding(name: str) -> Finding:
    (finding,) = [f for f in engines.find_engines() if f.name == name]
    return finding


def distribution(folder: Path, name: str, version: str, module: str) -> None:
    """What pip leaves behind of an installed package."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "top_level.txt").write_text(module + "\n")
    (info / "RECORD").write_text(f"{module}/__init__.py,,\n")


def test_a_machine_that_can_infer(run_doctor: Cli, demo: Path) -> None:
    code, out = run_doctor()

    assert code == 0
    assert out.startswith("`edgeecho infer` can work here.\n")
    assert "tiny 1.2.3, fp32" in out
    assert re.search(r"ok +openvino +\d{4}\.\d", out)
    assert "FFmpeg" in out
    assert out.splitlines()[-1] == RESEARCH_USE


def test_json(run_doctor: Cli, demo: Path) -> None:
    code, out = run_doctor("--json")

    value: dict[str, Any] = json.loads(out)
    assert code == 0
    assert value["schema"] == "edgeecho-doctor-1"
    assert value["research_use"] == RESEARCH_USE
    assert value["can_infer"] is True
    names = {f["name"] for f in value["sections"]["engines"]}
    assert names >= {entry.name for entry in OURS}


def test_no_demo_model(run_doctor: Cli, demo: Path) -> None:
    (demo / "manifest.json").unlink()
    code, out = run_doctor()

    assert code == 4
    assert out.startswith("`edgeecho infer` cannot work here:\n  - demo: it is not in this inst")
    assert "--model" in out


@pytest.mark.slow
def test_damaged_demo_model(run_doctor: Cli, demo: Path) -> None:
    (demo / "fp32.onnx").write_bytes(b"other weights")
    code, out = run_doctor()

    assert code == 4
    assert "fp32.onnx was changed after export" in " ".join(out.split())
    assert "jane-doe" not in out


def test_missing_engine_shows_how_to_get_it(
    run_doctor: Cli, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = EngineDescriptor("abacus", "no_such_package", "pip install abacus", "beads", never)
    monkeypatch.setattr("edgeecho.engines.engines", lambda: (*OURS, missing))
    code, out = run_doctor()

    assert code == 0  # the others still run
    assert re.search(r"absent +abacus +not installed; would run on: beads", out)
    assert "to do: pip install abacus" in out


def test_no_engine_at_all(run_doctor: Cli, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = EngineDescriptor("abacus", "no_such_package", "pip install abacus", "beads", never)
    monkeypatch.setattr("edgeecho.engines.engines", lambda: (missing,))
    code, out = run_doctor()

    assert code == 4
    assert "engines: none can be used" in out
    assert "to do: pip install abacus" in out


def test_engine_that_is_installed_but_broken(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_engine.py").write_text(
        "raise ImportError('/home/jane-doe/my lib/libabacus.so: no such file')"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def load(*_: object) -> Engine:
        import broken_engine

        raise AssertionError(broken_engine)

    broken = EngineDescriptor("abacus", "broken_engine", "pip install abacus", "beads", load)
    monkeypatch.setattr("edgeecho.engines.engines", lambda: (*OURS, broken))

    finding = found("engines", "abacus")
    assert finding.status == "warning"
    assert finding.detail == "installed, but fails: libabacus.so: no such file"
    assert finding.remedy == "pip install --force-reinstall abacus"


def test_both_onnxruntimes(
    run_doctor: Cli, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, "onnxruntime", "1.20.0", "onnxruntime")
    distribution(tmp_path, "onnxruntime-gpu", "1.20.0", "onnxruntime")
    monkeypatch.syspath_prepend(tmp_path)
    _, out = run_doctor()

    assert "onnxruntime and onnxruntime-gpu are both installed" in " ".join(out.split())
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in out
    assert "pip install 'edgeecho[gpu]'" in out


def test_one_onnxruntime_is_no_clash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    distribution(tmp_path, "onnxruntime-gpu", "1.20.0", "onnxruntime")
    assert engines._onnxruntime_clash() == ()


def test_a_missing_decoder_stops_infer(
    run_doctor: Cli, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    code, out = run_doctor()

    assert code == 4
    assert "PyAV" in out


@pytest.mark.slow
def test_broken_library_is_a_finding(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", None)  # makes `import pydicom` fail
    finding = found("software", "pydicom")
    assert finding.status == "problem"
    assert "cannot be imported" in finding.detail


def test_stage_without_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real metadata, real package, on a path where the extra's packages are not."""
    info = tmp_path / "edgeecho-9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: edgeecho\nVersion: 9\nRequires-Dist: numpy>=1\n"
        "Requires-Dist: torch>=2.4; extra == 'train'\n"
        "Requires-Dist: my.pkg[x]>=2; (platform_machine == 'x86_64') and extra == \"train\"\n"
        "Requires-Dist: onnx; extra == 'export'\n"
    )
    (info / "entry_points.txt").write_text(
        "[edgeecho.commands]\ntrain = my_stage.cli:app [train]\nplay = my_stage.cli:app\n"
        "gone = no_such_stage.cli:app\nhalf = my_stage.absent:app\n"
    )
    (tmp_path / "my_stage").mkdir()
    (tmp_path / "my_stage" / "__init__.py").write_text("raise AssertionError('imported')")
    (tmp_path / "my_stage" / "cli.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    findings = {f.name: f for f in software.find_stages()}
    assert findings["edgeecho train"].status == "absent"
    assert findings["edgeecho train"].detail == "needs my.pkg, torch"
    assert findings["edgeecho train"].remedy == "pip install 'edgeecho[train]'"
    assert findings["edgeecho play"].status == "ok"
    assert findings["edgeecho gone"].detail == "no_such_stage is not in this installation"
    assert findings["edgeecho half"].status == "absent"


def test_driver_without_the_builders_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = tmp_path / "version"
    version.write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  "
        "(dvs-builder@U22-I3-AE18)\nGCC version:  gcc version 12.3.0\n"
    )
    monkeypatch.setattr(gpu, "_DRIVER", version)
    assert gpu.find_driver()[0] == Finding("driver", "ok", "570.86.15")


def test_cards_by_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA RTX A2000, 570.86.15, 6138 MiB'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert Finding("GPU", "ok", "NVIDIA RTX A2000, 570.86.15, 6138 MiB") in gpu.find_driver()
    program.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    assert all(f.name != "GPU" for f in gpu.find_driver())


def test_tensorrt_is_found_and_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, "tensorrt-cu12", "10.8.0", "tensorrt")
    (tmp_path / "tensorrt.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    # Others may be installed too.
    assert gpu.find_tensorrt().detail.startswith("installed: tensorrt-cu12 10.8.0")


@pytest.mark.slow
def test_nothing_private(tmp_path: Path) -> None:
    """In a process of its own, for a user whose name would stand out."""
    home = tmp_path / "wilhelmina-q"
    home.mkdir()
    env = {**os.environ, "HOME": str(home), "USER": "wilhelmina-q", "LOGNAME": "wilhelmina-q"}
    for form in ([], ["--json"]):
        code = f"import sys; sys.argv = ['edgeecho', 'doctor', *{form}]; " + (
            "from edgeecho.cli.app import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            check=False,
            capture_output=True,
            text=True,
            env=env,
            cwd=tmp_path,
        )
        assert done.returncode in (0, 4), done.stderr
        assert RESEARCH_USE in done.stdout
        for private in ("wilhelmina-q", str(tmp_path), sys.prefix, str(Path(__file__).parent)):
            assert private not in done.stdout
        assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", done.stdout)
        assert not re.search(rf"[\\/]{re.escape(getpass.getuser())}\b", done.stdout)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("/home/jane/venv/lib/libx.so: cannot open", "libx.so: cannot open"),
        (r"C:\Users\jane doe\x.dll was not found", "x.dll was not found"),
        ("no module named 'x'", "no module named 'x'"),
        ("cannot import (/home/jane/a/b.py)", "cannot import (b.py)"),
        ("", "ValueError"),
    ],
)
def test_reasons_carry_no_folders(said: str, kept: str) -> None:
    assert reason(ValueError(said)) == kept


@pytest.mark.parametrize("version", ["10.3", "11.4"])
def test_tensorrt_is_loaded_where_there_is_a_gpu(
    demo: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in's name is in what is found."""
    machine = emulate(monkeypatch, version)
    finding = engine_finding("tensorrt")
    assert finding.status == "ok"
    assert finding.detail.startswith(f"{machine.trt.__version__} on emulated Orin (8 SM); loaded")
    assert found("NVIDIA GPU", "CUDA").detail == "emulated Orin (8 SM), sm87, driver for CUDA 12.6"
    assert engine_finding("auto").detail.startswith("takes openvino for narrow; passed over: ten")

    def fail(_log: object) -> None:
        raise OSError("/home/jane-doe/libnvinfer.so.10: cannot open shared object file")

    monkeypatch.setattr(machine.trt, "Runtime", fail)
    finding = engine_finding("tensorrt")
    assert finding.status == "warning"
    assert finding.detail == (
        "installed, but fails: libnvinfer.so.10: cannot open shared object file"
    )
    assert finding.remedy.startswith("pip install --force-reinstall 'edgeecho[tensorrt]', and")
    machine.driver = False
    finding = engine_finding("tensorrt")
    assert finding.status == "absent"
    assert finding.detail.startswith("installed, but: cudaGetDeviceCount failed with ")
    assert found("NVIDIA GPU", "CUDA").status == "absent"


def test_what_auto_takes_and_passes_over(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def engine(name: str, auto: int | None, **changes: Any) -> EngineDescriptor:
        def probe(_: EngineDescriptor) -> str:
            return "1"

        given = {"probe": probe, "auto": auto, **changes}
        return EngineDescriptor(name, "json", f"pip install {name}", "a CPU", never, **given)

    def fail(_: EngineDescriptor) -> str:
        raise OSError("libx.so")

    last = engine("last", 9)
    before = (
        engine("broken", 1, probe=fail),
        engine("unbuilt", 2, refuses=lambda model: f"no plan in /home/jane/{model.name}"),
        replace(engine("absent", 3), package="no_such_package"),
        engine("named", None),
    )
    monkeypatch.setattr("edgeecho.engines.engines", lambda: (last, *before))
    assert engine_finding("auto") == Finding(
        "auto",
        "ok",
        "takes last for narrow; passed over: broken (installed, but fails: libx.so), "
        "unbuilt (no plan in narrow)",
    )
    monkeypatch.setattr("edgeecho.engines.engines", lambda: (last,))
    assert engine_finding("auto").detail == "takes last for narrow"
