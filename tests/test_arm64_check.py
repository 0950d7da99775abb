"""What `make check-arm64` decides; the emulated machine itself is run by hand."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import arm64_check
import arm64_pixels
import arm64_root

from edgeecho.common.errors import EdgeEchoError, MissingDependencyError


def answer(ef: float, precision: str = "fp32") -> dict[str, Any]:
    return {
        "model": {"precision": precision},
        "engine": {"name": "onnxruntime", "device": "CPU"},
        "results": [{"ef": ef}],
    }


def test_an_ef_within_the_limits_of_fp32_passes() -> None:
    assert list(arm64_check.compare(answer(50.009), answer(50.0))) == []


def test_an_ef_that_is_further_off_is_a_fault() -> None:
    (fault,) = arm64_check.compare(answer(50.011), answer(50.0))
    assert fault == "EF differs by 0.011000 points, allowed 0.01"


def test_the_limits_are_those_of_the_precision() -> None:
    assert list(arm64_check.compare(answer(51.4, "int8"), answer(50.0, "int8"))) == []


def test_missing_tools_are_one_line_that_installs_them() -> None:
    with pytest.raises(MissingDependencyError) as error:
        arm64_root.check_tools(lambda tool: None, 0)
    assert str(error.value) == (
        "debootstrap and qemu-user-static missing: apt-get install debootstrap qemu-user-static"
    )


def test_without_root_it_says_so() -> None:
    with pytest.raises(EdgeEchoError, match="run it as root"):
        arm64_root.check_tools(lambda tool: tool, 1000)


def test_each_engine_lies_in_a_folder_of_its_own(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}-1-py3-none-any.whl" for name in ("onnxruntime", "openvino", "av")]
    for file in files:
        with zipfile.ZipFile(file, "w") as wheel:
            wheel.writestr(f"{file.name.partition('-')[0]}/__init__.py", "")
    root = tmp_path / "root"
    root.mkdir()
    arm64_root.install(root, files)
    found = {p.parent.relative_to(root).as_posix() for p in root.rglob("opt/**/__init__.py")}
    assert found == {
        "opt/onnxruntime/onnxruntime",
        "opt/openvino/openvino",
        "opt/edgeecho/lib/python3.11/site-packages/av",
    }


def done(code: int, stdout: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], code, stdout, "")


@pytest.mark.parametrize(("engine", "faults"), [("onnxruntime", 1), ("openvino", 0)])
def test_an_engine_that_dies_is_named_and_only_onnx_runtime_is_required(
    engine: str, faults: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(arm64_check, "enter", lambda *_, **__: done(-11))
    assert len(list(arm64_check.check(Path("root"), engine))) == faults
    assert f"infer ({engine}): FAILED (-11)" in capsys.readouterr().out


def test_a_file_that_is_read_to_other_pixels_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def there(*_: str, **__: str) -> subprocess.CompletedProcess[str]:
        found = arm64_pixels.digests(tmp_path / "files")
        return done(0, json.dumps(found | {"mjpeg-422.avi": "other"}))

    monkeypatch.setattr(arm64_check, "enter", there)
    assert list(arm64_check.pixels(tmp_path)) == ["mjpeg-422.avi: other pixels"]
    assert len(list((tmp_path / "files").iterdir())) == len(arm64_pixels.VIDEOS) + 2
