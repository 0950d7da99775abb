"""`edgeecho`: the commands of the runtime and of all installed stages.

Commands are loaded when they run, so `edgeecho --help` imports neither numpy nor a stage, and a
stage with missing dependencies causes a one-line error, and only when it is called.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from edgeecho.cli.summaries import summary_of
from edgeecho.common.about import VERSION
from edgeecho.common.errors import EdgeEchoError, OutputError, UsageError
from edgeecho.common.plugins import load_plugin
from edgeecho.common.text import printable
from edgeecho.common.watch import end_process, watched_thread_runs

_RUNTIME = (
    "infer",
    "cohort",
    "stream",
    "listen",
    "evaluate",
    "serve",
    "bench",
    "tune",
    "preview",
    "inspect",
    "verify",
    "slim",
    "triton",
    "schema",
    "doctor",
)
"""The modules of `edgeecho.cli.commands`, in the order of `edgeecho --help`."""


class _LazyCommand(TyperCommand):
    """Shows its summary in `edgeecho --help`; loads the real command when it runs."""

    def __init__(self, name: str, summary: str, panel: str, load: Callable[[], Any]) -> None:
        super().__init__(name, callback=None, help=summary, rich_help_panel=panel)
        self._load = load

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        # From here on the group's `context.command` is the real one.
        return self._load().make_context(info_name, args, parent=parent, **extra)


class _Commands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return [*_RUNTIME, *sorted(_stages())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name in _RUNTIME:
            module = f"edgeecho.cli.commands.{cmd_name}"
            summary = summary_of(module, "app") or ""
            return _LazyCommand(cmd_name, summary, "Runtime", lambda: _load_runtime(module))
        if entry := _stages().get(cmd_name):
            stage = entry.module.partition(".")[0]
            summary = summary_of(entry.module, entry.attr) or f"A command of {stage}."
            return _LazyCommand(
                cmd_name, summary, "Stages (workstation)", lambda: _load_stage(entry)
            )
        return None


_EXIT_CODES = (
    "Exit codes: 0 answered; 2 usage, or an output that cannot be written; 3 an input cannot be "
    "used; 4 model, engine or needed software cannot be used; 5 answered, but refused by a gate; "
    "6 verification out of tolerance, required skill not shown, or slower than the baseline."
)

app = typer.Typer(
    cls=_Commands,
    name="edgeecho",
    help="Ejection fraction from echocardiogram videos. Research use only, not for diagnosis.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgeecho {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


def main() -> None:
    """Console script: an `EdgeEchoError` ends in one line and its exit code, a bug in traceback."""
    try:
        _check_given(sys.argv[1:])
        app(prog_name="edgeecho")
    except EdgeEchoError as error:
        _end(str(error), error.exit_code)
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename:
            _end_after_bug()
            raise
        # Otherwise the rest of the buffer would be written again at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _end(f"stdout cannot be written: {error.strerror}", OutputError.exit_code)
    except SystemExit as stop:
        end_process(stop.code if isinstance(stop.code, int) else 0)
        raise
    except BaseException:
        _end_after_bug()
        raise


def _end(words: str, code: int) -> NoReturn:
    typer.echo(printable(f"edgeecho: {words}"), err=True)
    end_process(code)
    sys.exit(code)


def _end_after_bug() -> None:
    """Print the traceback and end, even where Python would hang: see `edgeecho.common.watch`."""
    if watched_thread_runs():
        sys.excepthook(*sys.exc_info())
    end_process(1)


def _check_given(arguments: list[str]) -> None:
    # To Python an empty path is the current folder: `infer "$FILE"` would search all of it.
    if any(not word or re.fullmatch("--[a-z-]+=", word) for word in arguments):
        raise UsageError(
            "an argument is empty, an unset shell variable perhaps: give its value, or . for the "
            "current folder"
        )


def _stages() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group="edgeecho.commands")}


def _load_runtime(module: str) -> Any:
    return typer.main.get_command(import_module(module).app)


def _load_stage(entry: EntryPoint) -> Any:
    command = typer.main.get_command(load_plugin(entry, f"`edgeecho {entry.name}`"))
    command.name = entry.name
    return command
