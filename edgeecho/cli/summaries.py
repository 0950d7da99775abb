"""What a command does, in one line: the first line of its own help.

It is read from the source of the command's module. Nothing is imported, so that `edgeecho --help`
can say it of a stage whose packages are missing, and at once.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from inspect import cleandoc

from edgeecho.common.plugins import find_source


def summary_of(module: str, app: str) -> str | None:
    """First line of the help of the Typer app that is called `app` in `module`.

    That is the `help` of `app = typer.Typer(help="...")`, or else the docstring of the one function
    below `@app.command()`. None if the source says nothing, or cannot be read.
    """
    path = find_source(module)
    if path is None:
        return None
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):  # the command itself will say why, once it is called
        return None
    texts = [*_helps(tree, app)] or [*_docstrings(tree, app)]
    return cleandoc(texts[0]).partition("\n")[0] or None if len(texts) == 1 else None


def _helps(tree: ast.Module, app: str) -> Iterator[str]:
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and [ast.unparse(target) for target in node.targets] == [app]
            and isinstance(node.value, ast.Call)
        ):
            for given in node.value.keywords:
                if given.arg == "help" and isinstance(given.value, ast.Constant):
                    yield str(given.value.value)


def _docstrings(tree: ast.Module, app: str) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any(
            ast.unparse(decorator).startswith(f"{app}.command(")
            for decorator in node.decorator_list
        ):
            yield ast.get_docstring(node) or ""
