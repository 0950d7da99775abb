"""What the tests of all stages share: a phantom data set, a run trained on it, its bundle.

Everything is made by the real commands, once for as long as the code stays the same (`made`).
Tests that change a file copy it first.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from made import PHANTOMS, made
from traced import traced_once

from edgeecho.cli.app import main
from edgeecho.dataset import read_dataset

NARROW = Path(__file__).parents[1] / "models" / "narrow" / "bundle"
"""A narrow network that was trained on phantoms for an hour: its answers mean something."""

# Before anything imports torch: on a machine that does other things too, threads that wait by
# spinning make networks as small as these ten times as slow.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Commands that are given no model run the narrow one, which answers in a tenth of the demo's time.
os.environ["EDGEECHO_MODEL"] = str(NARROW)
# Tests neither fill the user's cache nor run what lies there; those of the cache have their own.
os.environ["EDGEECHO_CACHE"] = "off"
# Tests start hundreds of processes, and each would compile all modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Workers of one run (`-n`) have a core each: engines of two that share both cores spend a sixth of
# their time on waiting for each other.
CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
if CORES and (_worker := os.environ.get("PYTEST_XDIST_WORKER", "")):
    os.sched_setaffinity(0, {sorted(CORES)[int(_worker.removeprefix("gw")) % len(CORES)]})

# Seen from inside, and quickly; tests/test_outside.py looks from outside. A fork copies locks that
# other threads hold, and nothing here may call anybody but this machine.
_forbidden: list[str] = []


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("os.fork", "os.forkpty"):
        _forbidden.append(event)
    elif event == "socket.connect":
        address = arguments[1]
        host = str(address[0]) if isinstance(address, tuple) and address else "127."
        if not host.startswith(("127.", "::1", "localhost")):
            _forbidden.append(f"{event} {host}")
    elif event == "socket.getaddrinfo":
        host = str(arguments[0] or "localhost")
        # `.invalid` is nobody's (RFC 2606).
        if not re.fullmatch(r"localhost|.*\.invalid|[0-9.]+|[0-9a-fA-F:]*:[0-9a-fA-F:]*", host):
            _forbidden.append(f"{event} {host}")


sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def calls_nobody() -> Iterator[None]:
    """The test fails where something in its process forked, or called another machine."""
    _forbidden.clear()
    yield
    assert _forbidden == []


# On a Python without torch (`make pythons`): tests of the stages would not even be imported.
collect_ignore = [] if find_spec("torch") else ["export", "train", "calibration"]

_TRAINED = {"narrow_run", "narrow_bundle", "segmented_bundle", "lower_bundle", "labelled"}
_OF_TORCH = tuple(str(Path(__file__).parent / name) for name in ("export", "train", "calibration"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs torch or a browser, so that nobody has to remember it."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & _TRAINED or str(item.path).startswith(_OF_TORCH):
            item.add_marker(pytest.mark.torch)
        if "browser" in fixtures:
            item.add_marker(pytest.mark.browser)
        if "phantoms" in fixtures:  # which take seconds where they are not there yet
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def all_cores() -> Iterator[None]:
    """For tests of threads, which with one core are not started."""
    if not CORES:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, CORES)
    yield
    os.sched_setaffinity(0, before)


EdgeEcho = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """EchoNet-format folder: 16 phantoms of 70 frames, about 10 TRAIN, 3 VAL and 3 TEST rows."""
    root = made(
        "phantoms",
        tmp_path_factory.mktemp("phantoms") / "set",
        lambda out: run_process("phantom", "--out", out, *PHANTOMS, check=True),
    )
    splits = {video.split for video in read_dataset(root)}
    assert splits == {"TRAIN", "VAL", "TEST"}, "choose another --seed for the fixture"
    return root


@pytest.fixture(scope="session")
def narrow_run(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder with best.pt: width 0.0625, 32x2 frames of 56 pixels, one epoch on `phantoms`."""
    pytest.importorskip("torch")

    def make(out: Path) -> None:
        from edgeecho_train.recipe import TrainingRecipe
        from edgeecho_train.start import train

        recipe = TrainingRecipe(width=0.0625, size=56, epochs=1, batch_size=5)
        train(phantoms, out, recipe, resume=False, device="cpu", workers=0, init="random")

    return made("narrow-run", tmp_path_factory.mktemp("narrow") / "run", make)


@pytest.fixture(scope="session")
def narrow_bundle(narrow_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model bundle "narrow", version 1, exported from `narrow_run` and verified (fp32)."""
    pytest.importorskip("onnxscript")

    def make(out: Path) -> None:
        from edgeecho_export.checkpoint import CheckpointOptions
        from edgeecho_export.pipeline import export
        from edgeecho_export.recipes.base import ModelLabel

        checkpoint, label = narrow_run / "best.pt", ModelLabel("narrow", "1")
        with traced_once():
            export(checkpoint, out, label, given=CheckpointOptions(), clips=None, overwrite=False)

    return made("narrow-bundle", tmp_path_factory.mktemp("bundle") / "narrow", make)


@pytest.fixture(scope="session")
def segmented_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model bundle "segmented": both networks of `models/narrow`, in FP32."""
    pytest.importorskip("onnxscript")

    def make(out: Path) -> None:
        from segmented import export_segmented

        with traced_once():
            export_segmented(out)

    return made("segmented-bundle", tmp_path_factory.mktemp("segmented") / "bundle", make)


@pytest.fixture(scope="session")
def toy_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that answers in a millisecond: see `toy.py`."""
    toy = pytest.importorskip("toy")
    bundle: Path = toy.toy_bundle(tmp_path_factory.mktemp("toy") / "bundle")
    return bundle


@pytest.fixture(scope="module")
def toy_by_default(toy_bundle: Path) -> Iterator[None]:
    """Commands that are given no model run the toy, in processes too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEECHO_MODEL", str(toy_bundle))
        yield


@pytest.fixture
def edgeecho(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> EdgeEcho:
    """`edgeecho("infer", file, ...)`: the real `main()` in this process, as a finished process."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        arguments = ["edgeecho", *map(str, words)]
        monkeypatch.setattr(sys, "argv", arguments)
        capsys.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        stdout, stderr = capsys.readouterr()
        assert isinstance(code, int), f"exit with {code!r}"
        return subprocess.CompletedProcess(arguments, code, stdout, stderr)

    return run


def run_process(*words: object, check: bool = False) -> subprocess.CompletedProcess[str]:
    """`edgeecho ...` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from edgeecho.cli.app import main; main()", *map(str, words)],
        capture_output=True,
        text=True,
        check=check,
    )
