"""`edgeecho --help` says what every command does, and takes it from the command's own help."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from marked import marked

from edgeecho.cli import commands
from edgeecho.cli.app import _RUNTIME, _stages
from edgeecho.cli.summaries import summary_of


def overview(text: str) -> dict[str, str]:
    """The commands and summaries of `edgeecho --help`."""
    return dict(re.findall(r"^│ ([a-z]+) +(\S.*?) +│$", text, re.MULTILINE))


def test_every_module_of_a_command_has_its_place_in_the_overview() -> None:
    modules = {path.stem for path in Path(commands.__file__).parent.glob("[a-z]*.py")}
    assert sorted(_RUNTIME) == sorted(modules)


@pytest.mark.parametrize("command", marked([*_RUNTIME, *sorted(_stages())]))
def test_the_overview_and_the_command_say_the_same(
    edgeecho: Any, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    summary = overview(edgeecho("--help").stdout)[command]
    own = [line.strip() for line in edgeecho(command, "--help").stdout.splitlines() if line.strip()]
    assert own[0].startswith(f"Usage: edgeecho {command} ")
    assert own[1] == summary
    assert summary.endswith(".")


def package(folder: Path, source: str) -> None:
    """A package `elses` that must not be imported, with a module `cli`."""
    (folder / "elses").mkdir()
    (folder / "elses" / "__init__.py").write_text("raise AssertionError('imported')")
    (folder / "elses" / "cli.py").write_text(source)


COMMAND = "import absent\n\napp = Typer(no_args_is_help=True)\n\n@app.command()\ndef one():\n    "
GROUP = 'app = Typer(help="Several of them.")\n\n@app.command()\ndef one():\n    """One."""\n'
TWO = '\n@app.command()\ndef two():\n    """Two."""\n'


@pytest.mark.parametrize(
    ("source", "summary"),
    [
        (COMMAND + '"""Do it.\n\n    In this way.\n    """\n', "Do it."),
        (COMMAND + '"""\n    Do it.\n    """\n', "Do it."),
        (COMMAND + "pass\n", None),
        (COMMAND + '"""One."""\n' + TWO, None),
        (COMMAND.replace("@app.", "@other.") + '"""Of another app."""\n', None),
        (COMMAND + '"""Do it."""\n' + TWO.replace("@app.", "@other."), "Do it."),
        (GROUP, "Several of them."),
        (GROUP + TWO, "Several of them."),
        (GROUP.replace('"Several', 'WORDS + "Several'), "One."),
        ("from elsewhere import app\n", None),
        ("def broken(:\n", None),
        ("\0", None),
    ],
)
def test_what_the_source_of_a_module_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, summary: str | None
) -> None:
    package(tmp_path, source)
    monkeypatch.syspath_prepend(tmp_path)
    assert summary_of("elses.cli", "app") == summary


def test_modules_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, GROUP)
    (tmp_path / "alone.py").write_text(GROUP)
    (tmp_path / "elses" / "inner").mkdir()
    (tmp_path / "elses" / "inner" / "__init__.py").write_text(GROUP)
    monkeypatch.syspath_prepend(tmp_path)
    assert summary_of("alone", "app") == summary_of("elses.inner", "app") == "Several of them."
    for module in ("elses.absent", "absent", "absent.cli", "alone.cli", "sys"):
        assert summary_of(module, "app") is None, module


@pytest.mark.slow
def test_a_command_of_another_package_that_has_no_summary_is_named_and_works(
    tmp_path: Path,
) -> None:
    info = tmp_path / "other-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[edgeecho.commands]\nplain = other.cli:app\ntold = other.cli:told\n"
    )
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "__init__.py").touch()
    (tmp_path / "other" / "cli.py").write_text(
        "import typer\n\napp, told = typer.Typer(), typer.Typer()\n\n"
        "@app.command()\ndef plain() -> None:\n    print('it runs')\n\n"
        "@told.command()\ndef tell() -> None:\n    '''Tell something.'''\n"
    )
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "100"}

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "edgeecho", *words]
        return subprocess.check_output(command, env=environment, text=True)

    shown = overview(run("--help"))
    assert (shown["plain"], shown["told"]) == ("A command of other.", "Tell something.")
    assert run("plain") == "it runs\n"
