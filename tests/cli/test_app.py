from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from marked import marked

from edgeecho.cli import commands

ROOT = Path(__file__).parents[2]
STAGES = {"phantom", "stats", "train", "release", "calibrate", "export", "import", "build"}
RUNTIME = {path.stem for path in Path(commands.__file__).parent.glob("[a-z]*.py")}


def run_python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def modules_after(code: str) -> set[str]:
    """Top-level modules that are loaded once `code` has run in a fresh process."""
    script = code + "\nimport sys; print(*{m.partition('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_import_loads_nothing_heavy() -> None:
    heavy = {"torch", "onnx", "onnxruntime", "openvino", "cv2", "numpy"}
    assert not modules_after("import edgeecho") & heavy


@pytest.mark.slow
def test_the_runtime_answers_without_torch_onnx_or_onnxruntime(
    narrow_bundle: Path, phantoms: Path
) -> None:
    video = next((phantoms / "Videos").iterdir())
    code = textwrap.dedent(f"""
        from pathlib import Path
        from edgeecho import estimate, load_model, read_cine
        answer = estimate(read_cine(Path({str(video)!r})), load_model(Path({str(narrow_bundle)!r})))
        assert 0 < answer.ef < 100
    """)
    loaded = modules_after(code)
    assert "openvino" in loaded
    assert not loaded & {"torch", "torchvision", "onnx", "onnxruntime", "onnxscript", "matplotlib"}


@pytest.mark.slow
def test_help_loads_neither_numpy_nor_a_stage() -> None:
    code = textwrap.dedent("""
        import sys
        sys.argv = ["edgeecho", "--help"]
        from edgeecho.cli.app import main
        try:
            main()
        except SystemExit as done:
            assert done.code == 0
    """)
    loaded = modules_after(code)
    assert not loaded & {"numpy", "cv2", "openvino", "torch"}
    assert not {m for m in loaded if m.startswith("edgeecho_")}


def test_help_names_every_command(edgeecho: Any) -> None:
    shown = edgeecho("--help")
    assert shown.returncode == 0
    assert {e.name for e in entry_points(group="edgeecho.commands")} == STAGES
    for name in STAGES | RUNTIME:
        assert f" {name} " in shown.stdout
    assert "not for diagnosis" in " ".join(shown.stdout.split())


@pytest.mark.parametrize("command", marked(sorted(STAGES | RUNTIME)))
def test_every_command_has_help_that_names_itself(edgeecho: Any, command: str) -> None:
    shown = edgeecho(command, "--help")
    assert shown.returncode == 0
    assert f"edgeecho {command}" in shown.stdout


def test_version_and_no_arguments(edgeecho: Any) -> None:
    from edgeecho import __version__

    assert edgeecho("--version").stdout == f"edgeecho {__version__}\n"
    assert "Usage" in edgeecho().stdout + edgeecho().stderr


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version"], 0),
        (["infer", "--help"], 0),
        (["--help"], 0),
        (["diagnose"], 2),
        (["infer", ""], 2),
        (["infer", "absent.avi"], 3),
    ],
)
def test_python_m_edgeecho_is_the_same_as_the_installed_program(
    edgeecho: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    as_module = subprocess.run(
        [sys.executable, "-m", "edgeecho", *words], capture_output=True, text=True
    )
    as_program = edgeecho(*words)
    assert as_module.returncode == as_program.returncode == code
    assert (as_module.stdout, as_module.stderr) == (as_program.stdout, as_program.stderr)


@pytest.mark.slow
def test_worker_processes_of_python_m_edgeecho_do_not_start_it_again(tmp_path: Path) -> None:
    videos = sorted((ROOT / "examples" / "phantoms" / "Videos").iterdir())[:2]
    words = ["infer", *map(str, videos), "--workers", "2", "--clips", "center", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "edgeecho", *words], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert [result["status"] for result in json.loads(done.stdout)["results"]] == ["answered"] * 2


def test_an_unknown_command_or_option_exits_with_2(edgeecho: Any) -> None:
    assert edgeecho("diagnose").returncode == 2
    assert edgeecho("infer", "a.avi", "--magic").returncode == 2


def test_a_missing_dependency_is_one_line_with_the_extra(tmp_path: Path) -> None:
    # As in a bare installation, which `.ci/smoke` tests for real.
    code = textwrap.dedent("""
        import sys
        import edgeecho.common.extras
        edgeecho.common.extras._is_installed = lambda name: name != "torch"
        sys.argv = ["edgeecho", "train", "data", "--out", "run"]
        from edgeecho.cli.app import main
        main()
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 4, done.stderr
    assert done.stderr == (
        "edgeecho: `edgeecho train` needs torch, which is not installed: "
        "pip install 'edgeecho[train]'\n"
    )


@pytest.mark.slow
def test_a_bug_keeps_its_traceback(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys, edgeecho.cli.commands.infer as infer
        def broken(*args, **options): raise ZeroDivisionError("a bug")
        infer._answer_all = broken
        import edgeecho.inference.loaded
        edgeecho.inference.loaded.load_model = lambda *args, **options: None
        sys.argv = ["edgeecho", "infer", "a.avi"]
        from edgeecho.cli.app import main
        main()
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError: a bug" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["infer", ""],
        ["infer", "a.avi", "", "b.avi"],
        ["infer", "a.avi", "--csv", ""],
        ["infer", "a.avi", "--csv="],
        ["preview", "a.avi", "--out", "a.png", "--model", ""],
        ["evaluate", ""],
    ],
)
def test_an_empty_name_is_refused(
    edgeecho: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = edgeecho(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "an argument is empty" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_error_is_one_line_of_plain_characters_whatever_the_file_is_called(
    edgeecho: Any, tmp_path: Path
) -> None:
    done = edgeecho("preview", tmp_path / "\x1b[31ma\nb\u202ec.avi", "--out", tmp_path / "a.png")
    assert done.returncode == 3
    assert done.stderr.startswith(r"edgeecho: \x1b[31ma\nb\u202ec.avi: no such file")
    assert done.stderr.count("\n") == 1
