"""Plug-ins of the installed stages: entry points, imported only when they are used."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgeecho.common.errors import MissingDependencyError
from edgeecho.common.extras import missing_of_extra


def load_plugin(entry: EntryPoint, what: str, *, whole_extra: bool = True) -> Any:
    """Import what `entry` names; `MissingDependencyError` if one of its packages is missing.

    `what` is what the user asked for, such as "`edgeecho train`". The error says to install the
    extra in the entry point's brackets. With `whole_extra`, all packages of that extra must be
    installed; otherwise only those that the plug-in imports.
    """
    extra = entry.extras[0] if entry.extras else None
    try:
        loaded = entry.load()
        missing = missing_of_extra(extra) if extra and whole_extra else ()
    except ModuleNotFoundError as error:
        raise _missing(what, error.name or "a module", extra) from error
    if missing:
        raise _missing(what, missing[0], extra)
    return loaded


def find_source(module: str) -> Path | None:
    """The source file of `module`, None if there is none. Imports nothing: `find_spec` of a
    submodule would import its package."""
    package, _, inside = module.partition(".")
    spec = find_spec(package)
    if spec is None:
        return None
    if not inside:
        paths = [Path(spec.origin)] if spec.origin else []
    else:
        folders = spec.submodule_search_locations or ()
        stems = [Path(folder, *inside.split(".")) for folder in folders]
        paths = [path for stem in stems for path in (stem.with_suffix(".py"), stem / "__init__.py")]
    return next((path for path in paths if path.is_file()), None)


def require_extra(what: str, extra: str) -> None:
    """Raise `MissingDependencyError` if a package of the extra that `what` needs is missing."""
    if missing := missing_of_extra(extra):
        raise _missing(what, missing[0], extra)


def _missing(what: str, module: str, extra: str | None) -> MissingDependencyError:
    package = f"edgeecho[{extra}]" if extra else module
    return MissingDependencyError(
        f"{what} needs {module}, which is not installed: pip install '{package}'"
    )
