"""An engine of another package, installed by pip: none of our files names it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("setuptools")

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parents[1] / "support" / "abacus"
EXAMPLES = Path(__file__).parents[2] / "examples" / "phantoms"
NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"
VIDEO = sorted((EXAMPLES / "Videos").iterdir())[0]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed."""
    folder = tmp_path_factory.mktemp("abacus")
    shutil.copytree(SOURCE, folder / "source")
    words = ["--quiet", "--no-index", "--no-build-isolation", "--no-deps", "--target"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *words, folder / "site", folder / "source"],
        check=True,
    )
    return folder / "site"


@pytest.fixture
def run(site: Path, edgeecho: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """`edgeecho ...` where it is installed, in this process."""
    monkeypatch.syspath_prepend(site)
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)  # of the processes that it starts

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        # Imported anew, as by another process.
        monkeypatch.delitem(sys.modules, "abacus", raising=False)
        done: subprocess.CompletedProcess[str] = edgeecho(*words)
        return done

    yield run
    sys.modules.pop("abacus", None)


def test_infer_runs_it_by_name_and_gives_the_ef_of_ours(run: Run, toy_bundle: Path) -> None:
    words = ("infer", VIDEO, "--model", toy_bundle, "--json", "--show-refused")
    theirs, ours = run(*words, "--engine", "abacus"), run(*words, "--engine", "onnxruntime")
    assert (theirs.returncode, theirs.stderr) == (ours.returncode, ours.stderr)
    found, expected = json.loads(theirs.stdout), json.loads(ours.stdout)
    engine = found["engine"]
    assert (engine["name"], engine["version"], engine["device"]) == ("abacus", "1.2", "beads")
    assert engine["precision"] == "f32"
    assert found["results"][0]["ef"] == pytest.approx(expected["results"][0]["ef"])


def test_bench_compares_it_with_ours(run: Run, toy_bundle: Path) -> None:
    words = ("--model", toy_bundle, "--runs", 2, "--warmup", 1, "--cold-starts", 1, "--json")
    done = run("bench", *words, "--compare", "abacus:fp32", "--compare", "onnxruntime:fp32")
    assert done.returncode == 0, done.stderr
    assert {"abacus:fp32", "onnxruntime:fp32"} <= set(done.stdout.split('"'))


def test_verify_holds_it_to_pytorch_without_being_told(run: Run) -> None:
    done = run("verify", NARROW, "--data", EXAMPLES, "--clips", 2)
    assert done.returncode == 0, done.stderr
    assert "fp32.onnx on abacus 1.2" in done.stdout


def test_doctor_lists_it_and_auto_leaves_it_alone(run: Run, toy_bundle: Path) -> None:
    done = run("doctor", "--json")
    (finding,) = (
        f for f in json.loads(done.stdout)["sections"]["engines"] if f["name"] == "abacus"
    )
    assert (finding["status"], finding["detail"]) == (
        "ok", "1.2 on beads; opened and ran a tiny network",
    )  # fmt: skip
    unknown = run("infer", VIDEO, "--model", toy_bundle, "--engine", "tensorflow")
    assert unknown.returncode == 4
    assert "choose auto, openvino, onnxruntime" in unknown.stderr
    assert "abacus" in unknown.stderr
    answer = run("infer", VIDEO, "--model", toy_bundle, "--json")
    assert '"name": "openvino"' in answer.stdout


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("raise ImportError('no beads')", "cannot be imported (ImportError: no beads)"),
        ("ABACUS = 5", "is no descriptor of an engine of this name"),
    ],
)
def test_a_broken_one_is_named_and_costs_nobody_else(
    run: Run, site: Path, toy_bundle: Path, content: str, says: str
) -> None:
    module = site / "abacus.py"
    whole = module.read_text()
    module.write_text(content)
    try:
        words = ("infer", VIDEO, "--model", toy_bundle, "--show-refused")
        named, ours = run(*words, "--engine", "abacus"), run(*words)
        doctor, build = run("doctor"), run("build", "--help")
        verify = run("verify", NARROW, "--data", EXAMPLES, "--clips", 2)
    finally:
        module.write_text(whole)
    assert (named.returncode, named.stderr.count("\n")) == (4, 1)
    assert says in named.stderr
    assert "the package edgeecho-abacus" in named.stderr
    assert "openvino" in ours.stdout
    assert doctor.returncode == 0
    assert says in " ".join(doctor.stdout.split())
    assert (verify.returncode, build.returncode) == (0, 0)
    assert "not run: fp32.onnx on abacus" in verify.stdout
