"""`make gpu-check` without a GPU: the same steps, the narrow network, real processes."""

from __future__ import annotations

import getpass
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from processes import wait

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
ENGINES = ("openvino", "onnxruntime")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module, so that a test can give it steps of its own."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("gpu_check_script", BENCHMARKS / "gpu_check.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(
    script: Any, steps: list[Any], out: Path, patch: pytest.MonkeyPatch, *words: str
) -> tuple[int, dict[str, Any], str]:
    """Exit code, JSON and page of these steps."""
    patch.setattr(script, "plan", lambda setting: iter(steps))
    patch.setattr(sys, "argv", ["gpu_check.py", "--narrow", "--out", str(out), *words])
    code = script.main()
    document = json.loads((out / "gpu-check.json").read_text())
    return code, document, (out / "gpu-check.md").read_text()


def test_a_failing_and_a_hanging_step_stop_nothing(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpu_check.steps import Step

    alive = tmp_path / "pid"
    fails = (
        "import os, socket, sys; print('{\"half\": 1}');"
        f"sys.exit(f'cannot read {tmp_path}/folder/video.avi on {{socket.gethostname()}}')"
    )
    hangs = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        f"open({str(alive)!r}, 'w').write(str(child.pid)); print('began', flush=True);"
        "time.sleep(600)"
    )
    steps = [
        Step("fails", ("-c", fails), 60, headline=True),
        Step("hangs", ("-c", hangs), 3),
        Step("lacks", ("-c", "print(1)"), 60, headline=True, needs=("no_such_module",)),
        Step("skips itself", ("-c", "import sys; print('no GPU'); sys.exit(5)"), 60, skipped=5),
        Step("works", ("-c", "print('{\"a\": 1}')"), 60, headline=True),
    ]
    code, document, page = run(script, steps, tmp_path / "out", monkeypatch)
    assert code == 1
    assert document["headline_failed"] == ["fails"]
    rows = {row["name"]: row for row in document["steps"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        "fails": "failed",
        "hangs": "timed out",
        "lacks": "not there",
        "skips itself": "not there",
        "works": "ok",
    }
    assert rows["fails"]["why"] == "exit code 1"
    assert rows["fails"]["last_lines"] == ["cannot read video.avi on HOST"]
    assert (rows["hangs"]["exit_code"], rows["hangs"]["last_lines"]) == (None, ["began"])
    assert rows["lacks"]["why"] == "not installed: no_such_module"
    assert rows["skips itself"]["why"] == "no GPU"
    assert rows["works"]["found"] == {"a": 1}
    assert "**Failed: fails.**" in page
    assert "    cannot read video.avi on HOST" in page
    assert "| hangs | timed out |" in page
    child = int(alive.read_text())
    wait(lambda: not _runs(child))  # the step's own child ended with it


def test_the_parts_of_a_call_on_a_gpu_are_on_the_page(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpu_check.steps import Step

    times = {"engine": [3.0], "total": [9.0]}
    calls = {"samples_ms": {"H2D Latency": [0.1, 0.2, 0.3], "GPU Compute Time": [2.5]}}
    series = [
        {"label": "cuda", "samples_ms": times, "device": calls},
        {"label": "cpu", "samples_ms": times, "device": None},
    ]
    found = f"print({json.dumps({'run': {'series': series}})!r})"
    _, _, page = run(script, [Step("bench", ("-c", found), 60)], tmp_path, monkeypatch)
    assert "| bench | cuda | 3.0 | 9.0 | 0.200 | 2.500 |  |  |" in page
    assert "| bench | cpu | 3.0 | 9.0 |  |  |  |  |" in page


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_the_whole_ends_in_its_time(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpu_check.steps import Step

    steps = [
        Step("long", ("-c", "import time; time.sleep(600)"), 600),
        Step("late", ("-c", "print(1)"), 60, headline=True),
    ]
    begin = time.monotonic()
    code, document, page = run(script, steps, tmp_path, monkeypatch, "--minutes", "0.04")
    assert time.monotonic() - begin < 60
    assert [row["state"] for row in document["steps"]] == ["timed out", "no time left"]
    assert (code, document["headline_failed"]) == (1, ["late"])
    assert "| **late** | no time left |" in page


@pytest.fixture(scope="module")
def ran(
    phantoms: Path, narrow_run: Path, narrow_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str, str]:
    """JSON, page and what was printed, with the smallest of everything."""
    out = tmp_path_factory.mktemp("gpu-check")
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "gpu_check.py", "--out", out, "--few", "--minutes", "60",
         "--checkpoint", narrow_run / "best.pt", "--model", narrow_bundle, "--data", phantoms],
        cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.replace(str(out), "")
    return (out / "gpu-check.json").read_text(), (out / "gpu-check.md").read_text(), printed


def test_without_a_gpu_the_same_steps_run_on_the_cpu(ran: tuple[str, str, str]) -> None:
    text, page, _ = ran
    document = json.loads(text)
    rows = {row["name"]: row for row in document["steps"]}
    assert document["network"] == "narrow"  # chosen by itself
    not_there = {name for name, row in rows.items() if row["state"] == "not there"}
    assert {"build, tensorrt", "build, tensorrt-rtx", "tests for a GPU"} <= not_there
    assert all(n.startswith(("build", "infer, tensorrt", "tests for")) for n in not_there)
    assert {row["state"] for name, row in rows.items() if name not in not_there} == {"ok"}
    headlines = {name.split(",")[0] for name, row in rows.items() if row["headline"]}
    assert headlines == {"doctor", "infer", "export", "verify on every engine", "bench"}

    machine = rows["machine"]["found"]
    assert machine["gpu"] is None
    assert machine["packages"]["torch"]
    efs = [rows[f"infer, {name} fp32"]["found"]["results"][0]["ef"] for name in ENGINES]
    assert abs(efs[0] - efs[1]) < 0.01
    verified = rows["verify on every engine"]["found"]["results"]
    checked = {(check["engine"]["name"], check["precision"]) for check in verified}
    assert checked == {(name, p) for name in ENGINES for p in ("fp32", "fp16")}
    peers = rows["against PyTorch"]["found"]
    assert {"PyTorch eager, f32", "edgeecho, openvino fp16"} <= peers["rows"].keys()
    assert "PyTorch, half, CUDA graph" in peers["not_there"]
    assert peers["rows"]["edgeecho, onnxruntime fp32"]["largest_difference"] < 0.01
    study = rows["study, fp32"]["found"]["run"]["series"]
    assert {series["clips_shared"] > 0 for series in study} == {False, True}
    training = rows["training"]["found"]
    assert (len(training["seconds"]), training["gpu_busy_percent"]) == (2, None)

    assert "| build, tensorrt | not there |  | no GPU" in page or "its package is not" in page
    assert "No headline command failed." in page
    assert "| GPU busy, by nvidia-smi | not there |" in page
    assert "| tests for a GPU | not there |" in page


def test_masks_are_tried_on_each_engine_of_the_gpu(script: Any, tmp_path: Path) -> None:
    from gpu_check.plan import Setting, plan

    gpu = {"name": "onnxruntime-cuda", "device": "nvidia", "status": "ok", "detail": ""}
    cpu = {"name": "openvino", "device": "cpu", "status": "ok", "detail": ""}
    steps = []
    for step in plan(Setting(tmp_path, narrow=False)):
        steps.append(step.name)
        if step.name == "machine":
            found = {"gpu": {"compute_capability": "sm90"}, "engines": [gpu, cpu]}
            (tmp_path / "machine.json").write_text(json.dumps(found))
        if step.name == "export with masks":
            assert Path(step.words[step.words.index("--segmentation") + 1]).is_file()
            (tmp_path / "masks").mkdir()
    masks = [name for name in steps if "with masks" in name]
    on_gpu = [f"infer with masks, onnxruntime-cuda {precision}" for precision in ("fp32", "fp16")]
    assert masks == ["export with masks", *on_gpu]


def test_it_tells_nothing_of_who_ran_it(ran: tuple[str, str, str]) -> None:
    # Names of folders, not "/root" alone, which is part of other words.
    folders = [str(ROOT), sys.prefix, tempfile.gettempdir(), *map(str, Path.home().glob(".*"))]
    for told in ran:
        for private in folders:
            assert f"{private}/" not in told
        for name in {socket.gethostname(), getpass.getuser()} - {"root", "localhost"}:
            assert not re.search(rf"\b{re.escape(name)}\b", told)
