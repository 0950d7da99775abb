"""The real onnxruntime-gpu, as far as it shows itself without a GPU: `make test-ort-gpu`.

It overwrites `onnxruntime`, so it has an environment of its own. In that environment pip installed
one library of CUDA's and not the others. A driver and a card are emulated where edgeecho looks for
them; everything that ONNX Runtime does is real.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

try:
    metadata.distribution("onnxruntime-gpu")
except metadata.PackageNotFoundError:
    pytest.skip("needs onnxruntime-gpu: make test-ort-gpu", allow_module_level=True)

import onnxruntime
from fake_cuda import FakeGPU, cuda_module
from offered import MASK_KERNELS, offered, operators

from edgeecho.bundle import DEMO, EXAMPLE, open_model
from edgeecho.cine import read_cine
from edgeecho.common.errors import EngineError
from edgeecho.engines import load_engine
from edgeecho.engines.onnxruntime import CUDA, TENSORRT
from edgeecho.engines.onnxruntime.libraries import preload
from edgeecho.inference import estimate, load_model
from edgeecho.tools.doctor.engines import find_engines

LIBRARIES = Path(onnxruntime.__file__).parent / "capi"
ROOT = Path(__file__).parents[2]
PHANTOMS, NARROW = ROOT / "examples" / "phantoms", ROOT / "models" / "narrow" / "bundle"
MODEL = open_model(DEMO)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """What edgeecho asks of CUDA before it asks ONNX Runtime."""
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", cuda_module(FakeGPU()))


def test_it_lists_providers_whose_libraries_are_missing() -> None:
    assert onnxruntime.get_available_providers()[:2] == [TENSORRT, CUDA]


def test_without_a_driver_infer_answers_by_the_cpu_and_stderr_is_empty() -> None:
    words = ("infer", EXAMPLE, "--model", DEMO, "--clips", "center", "--json")
    program = [sys.executable, "-m", "edgeecho", *map(str, words)]
    done = subprocess.run(program, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    engine = json.loads(done.stdout)["engine"]
    assert engine["name"] == "openvino"
    assert [one["name"] for one in engine["passed_over"]] == ["onnxruntime-cuda"]
    assert "there is no NVIDIA driver here" in engine["passed_over"][0]["why"]


@pytest.mark.parametrize(
    ("name", "library"),
    [("onnxruntime-cuda", "libcublasLt"), ("onnxruntime-tensorrt", "libcublas")],
)
def test_a_missing_library_is_named_and_nothing_is_printed(
    card: None, name: str, library: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EngineError) as caught:
        load_engine(name, MODEL)
    assert re.search(rf"alone \({library}\.so\.\d+: cannot open shared object", str(caught.value))
    assert capfd.readouterr() == ("", "")


def test_auto_passes_it_over(card: None, capfd: pytest.CaptureFixture[str]) -> None:
    facts = load_engine("auto", MODEL).facts
    assert (facts.name, facts.passed_over[-1].name) == ("openvino", "onnxruntime-cuda")
    assert "libcublasLt.so" in facts.passed_over[-1].why
    assert capfd.readouterr() == ("", "")


def test_doctor_says_what_is_missing(card: None) -> None:
    found = {finding.name: finding for finding in find_engines()}
    for name in ("onnxruntime-cuda", "onnxruntime-tensorrt"):
        assert found[name].status == "warning"
        assert "libcublas" in found[name].detail
        assert found[name].remedy == ""
    assert "pip install 'onnxruntime-gpu[cuda,cudnn]'" in found["onnxruntime-cuda"].detail
    assert found["onnxruntime"].status == "ok", "its CPU provider runs"
    assert "passed over: onnxruntime-cuda (installed, but fails: " in found["auto"].detail


def test_verify_names_them_and_goes_on(card: None, edgeecho: Any) -> None:
    done = edgeecho("verify", NARROW, "--data", PHANTOMS, "--clips", 2)
    assert done.returncode == 0
    assert "fp32.onnx on openvino" in done.stdout
    assert re.search(r"not run: fp32\.onnx on onnxruntime-tensorrt: .*libcublas", done.stdout)


def test_libraries_that_pip_installed_are_found() -> None:
    preload(onnxruntime)
    loaded = Path("/proc/self/maps").read_text()
    assert re.search(r"site-packages/nvidia/.*/libcudart\.so", loaded)


def test_cuda_has_a_kernel_for_every_operator_that_it_is_offered(tmp_path: Path) -> None:
    """The provider's library names the classes of its kernels; reading them takes no card."""
    library = (LIBRARIES / "libonnxruntime_providers_cuda.so").read_bytes()

    def has(name: str, types: str) -> bool:
        # As C++ compilers write it: lengths and names, then in I...E what it is made for: a is
        # int8, i int32, f float, Lb0E without NHWC.
        made_for = f"I{types}E" if types else ""
        return f"\0N11onnxruntime4cuda{len(name)}{name}{made_for}E\0".encode() in library

    # Those two copy, or only change the shape, whatever the type.
    types = {"QuantizeLinear": "af", "DequantizeLinear": "af", "Conv": "fLb0E"}
    types |= {"Reshape": "", "Squeeze": ""}
    found = operators(offered(MODEL.path, CUDA, tmp_path / "offered.onnx"))
    assert len(found) == 9
    assert [name for name in found if not has(name, types.get(name, "f"))] == []
    for kind in ("f", "NS_9MLFloat16E"):
        masks = {"Squeeze": "", "Conv": f"{kind}Lb0E"}
        assert [name for name in MASK_KERNELS if not has(name, masks.get(name, kind))] == []
    assert not has("DequantizeLinear", "if"), "then the rule need not be switched off"


def test_what_cuda_is_offered_gives_the_ef_of_int8(tmp_path: Path) -> None:
    """Its biases are not rounded, so it may differ: by less than export allows INT8 on average."""
    offered(MODEL.path, CUDA, tmp_path / "offered.onnx")
    by_cpu = load_model(DEMO, engine="onnxruntime")
    graph = replace(MODEL, path=tmp_path / "offered.onnx")
    by_graph = replace(by_cpu, engine=load_engine("onnxruntime", graph))
    cine = read_cine(EXAMPLE)
    efs = [estimate(cine, model, clips="center").ef for model in (by_cpu, by_graph)]
    print(f"EF of INT8: {efs[0]:.3f} by the CPU's graph, {efs[1]:.3f} by that offered to CUDA")
    assert abs(efs[0] - efs[1]) < 0.3
