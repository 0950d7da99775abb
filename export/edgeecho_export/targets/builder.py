"""The interface of builders for `edgeecho build`. An engine's descriptor names its builder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from edgeecho.common.errors import UsageError
from edgeecho.engines import OURS, find_engine


@dataclass(frozen=True)
class BuildOptions:
    """The user's options for a build. A builder refuses those that it does not have."""

    batch: tuple[int, int, int]
    """Smallest, optimal and largest number of clips in one run."""
    compute_capability: str = ""
    """GPU generations, separated by commas, such as `sm86,sm89`."""
    workspace_mb: int | None = None
    """Maximum scratch memory of a layer in MiB; None: no limit."""
    timing_cache: Path | None = None
    """File that is read if it exists, and written after the build."""
    shared: bool = True
    """Whether to build the shared graph too, where the model has one."""


class Builder(Protocol):
    """Builds for one kind of engine. Only `load` and `build` import its library."""

    def check(self, options: BuildOptions) -> None:
        """`UsageError` if an option is not for this builder."""
        ...

    def load(self) -> object:
        """Import what a build needs: `MissingDependencyError`, `EngineError` without a GPU."""
        ...

    def build(self, bundle: Path, precision: str, options: BuildOptions) -> Sequence[str]:
        """Build an engine of an artefact and write it into the bundle; return a report's lines."""
        ...


BUILT = tuple(engine.name for engine in OURS if engine.builder)
"""Our engines that need one."""


def find_builder(name: str) -> Builder:
    """The builder of an engine; `UsageError` where the engine has none."""
    engine = find_engine(name)
    if engine is None or engine.builder is None:
        raise UsageError(f"--engine {name!r} cannot be built: give {', '.join(BUILT)}")
    module, _, attribute = engine.builder.partition(":")
    builder: Builder = getattr(import_module(module), attribute)
    return builder
