"""Promises that only an outsider can check: it calls nobody, forks nothing, and never hangs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from outside import need, read_trace, run_at_home, traced, written
from processes import wait
from served import PHANTOMS

from edgeecho.bundle import EXAMPLE
from edgeecho.report.formats import FORMATS

ROOT = Path(__file__).parents[1]
NARROW, DATA = ROOT / "models" / "narrow", ROOT / "examples" / "phantoms"
EDGEECHO = (sys.executable, "-m", "edgeecho")
KEPT = (".cache/edgeecho/", ".local/state/edgeecho/", ".cache/matplotlib/")
"""Where the documentation says that files appear in a user's home folder."""
PHANTOMS_16 = "{phantoms}"
"""The session's data set, which is made only where it is used."""
RELEASED = "released.pt"
"""In the form of EchoNet-Dynamic's release, with random weights; made only where it is used."""
BESIDE = [form for form in FORMATS.values() if form.place == "file"]
MODEL, TOY = "narrow", "toy"
"""Copies of the narrow bundle and of the toy, in the folder that commands work in."""
COMMANDS = {
    "infer": ["infer", EXAMPLE, "--clips", "center"],
    "infer, ONNX Runtime": [
        *("infer", EXAMPLE, "--model", TOY, "--engine", "onnxruntime"),
    ],
    "infer, workers": [
        *("infer", *PHANTOMS[:3], "--workers", "2", "--clips", "center", "--model", TOY),
    ],
    "infer, every form": [
        *("infer", EXAMPLE, "--model", TOY, "--format", "fhir"),
        *(word for form in BESIDE for word in (f"--{form.name}", f"a.{form.suffix}")),
    ],
    "cohort": ["cohort", DATA, "--out", "table", "--format", "csv", "--model", TOY],
    "stream": ["stream", EXAMPLE, "--model", MODEL],
    "bench": [
        *("bench", "--model", TOY, "--runs", "3", "--cold-starts", "1"),
        *("--html", "bench.html"),
    ],
    "tune": ["tune", "--model", TOY, "--runs", "2"],
    "preview": ["preview", EXAMPLE, "--out", "sheet.png", "--model", TOY],
    "inspect": ["inspect", MODEL],
    "inspect, checkpoint": ["inspect", NARROW / "best.pt"],
    "verify": ["verify", MODEL, "--data", DATA, "--clips", "2"],
    "evaluate": [
        *("evaluate", DATA, "--model", TOY, "--clips", "center", "--out", "eval"),
    ],
    "slim": ["slim", MODEL, "--out", "slim", "--precision", "fp32"],
    "triton": ["triton", MODEL, "--out", "repository"],
    "schema": ["schema"],
    "doctor": ["doctor"],
    "phantom": [
        *("phantom", "--out", "set", "--n", "2", "--seed", "1", "--workers", "2"),
        *("--frames", "24"),
    ],
}
if os.environ.get("EDGEECHO_OUTSIDE") == "all":  # `make outside`, by hand: minutes
    COMMANDS |= {
        "export": ["export", NARROW / "best.pt", "--out", "bundle", "--fp16"],
        "import": ["import", "echonet-dynamic", "--ef", RELEASED, "--out", "bundle"],
        "build": ["build", MODEL, "--precision", "fp32", "--compute-capability", "sm86"],
        "release": ["release", NARROW / "best.pt", "--out", "model.safetensors"],
        "stats": ["stats", PHANTOMS_16],
        "train": [*("train", PHANTOMS_16, "--out", "run", "--epochs", "1", "--width", "0.0625")],
        "calibrate select": [
            *("calibrate", "select", PHANTOMS_16, "--out", "set.json", "--n", "4"),
            *("--model", MODEL),
        ],
        "calibrate trust": [
            *(
                "calibrate",
                "trust",
                PHANTOMS_16,
                "--model",
                MODEL,
                "--least",
                "2",
                "--level",
                "0.5",
            ),
        ],
    }


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("all_cores")]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_calls_anybody_or_forks(
    name: str, toy_bundle: Path, home: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    trace, work = tmp_path / "trace", tmp_path / "work"
    shutil.copytree(NARROW / "bundle", work / MODEL)
    shutil.copytree(toy_bundle, work / TOY)
    if RELEASED in COMMANDS[name]:
        from released import echonet

        echonet(work / RELEASED)
    words = [
        request.getfixturevalue("phantoms") if word is PHANTOMS_16 else word
        for word in COMMANDS[name]
    ]
    done = run_at_home(traced(trace, [*EDGEECHO, *words]), home, work=work, seconds=280)
    assert done.returncode in (0, 5), done.stderr
    seen = read_trace(trace)
    assert seen.connections == []
    assert seen.local == []
    assert seen.forks == []
    assert written(home, KEPT) == []


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (extra `ray`)")
def test_a_ray_of_its_own_calls_only_this_machine(
    toy_bundle: Path, home: Path, tmp_path: Path
) -> None:
    trace, work = tmp_path / "trace", tmp_path / "work"
    shutil.copytree(toy_bundle, work / TOY)
    words = [*EDGEECHO, *COMMANDS["cohort"], "--ray", "local"]
    done = run_at_home(traced(trace, words), home, work=work, seconds=280)
    assert done.returncode == 0, done.stderr
    seen = read_trace(trace)
    # Ray forks to start its processes; this one has no engine that could hang of it.
    assert seen.connections == []
    assert seen.local
    assert written(home, [*KEPT, ".ray/auth_token"]) == []


@pytest.mark.parametrize("command", ["serve", "listen"])
def test_a_service_listens_and_calls_nobody(command: str, home: Path, tmp_path: Path) -> None:
    pytest.importorskip("fastapi" if command == "serve" else "pynetdicom")
    trace = tmp_path / "trace"
    words = [*EDGEECHO, command, "--port", "0"]
    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            traced(trace, words), stderr=stream, env={"HOME": str(home), "PATH": "/usr/bin:/bin"}
        )
    try:
        wait(lambda: "Research use only" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        process.send_signal(signal.SIGINT)  # strace passes it on by ending itself
        subprocess.run(["pkill", "-TERM", "-P", str(process.pid)], check=False)
        process.wait(30)
    finally:
        process.kill()
    seen = read_trace(trace)
    assert (seen.connections, seen.forks) == ([], [])
    assert written(home, KEPT) == []


def test_it_answers_on_a_machine_without_any_network(home: Path) -> None:
    need("unshare")
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a network namespace")
    done = run_at_home(["unshare", "-rn", *EDGEECHO, *COMMANDS["infer"]], home)
    assert done.returncode == 0, done.stderr
    assert "EF" in done.stdout
    assert written(home, KEPT) == []


_MULTIPLY_WHILE_LOADING = f"""
import threading
from pathlib import Path
import numpy as np
done = threading.Event()

def multiply():
    pixels = np.ones((100, 1444), np.float32)
    while not done.is_set():
        pixels @ pixels.T

thread = threading.Thread(target=multiply)
thread.start()
from edgeecho.inference import load_model
load_model(Path({str(NARROW / "bundle")!r}), engine="openvino")
done.set()
thread.join()
"""


def test_matrix_products_do_not_hang_while_an_engine_loads(home: Path) -> None:
    for _ in range(4):  # where a thread forks, 14 of 15 hang
        done = run_at_home([sys.executable, "-c", _MULTIPLY_WHILE_LOADING], home, seconds=30)
        assert done.returncode == 0, done.stderr


def test_the_engines_are_told_whoever_imports_them(home: Path) -> None:
    code = (
        "import edgeecho, openvino.tools.ovc.telemetry_utils as u; print(u.tm.__name__);"
        f"import onnxruntime as o; o.InferenceSession({str(NARROW / 'bundle' / 'fp32.onnx')!r})"
    )
    done = run_at_home([sys.executable, "-c", f"import os; os.environ['TMPDIR']='.';{code}"], home)
    assert done.stdout.strip() == "openvino.tools.ovc.telemetry_stub", done.stderr
    assert written(home, []) == []
