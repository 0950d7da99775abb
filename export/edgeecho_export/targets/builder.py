"""What `edgeecho build` asks of a builder, whose name is in the descriptor of its engine."""

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
    """What a user may ask of a build. A builder refuses what it has no use for."""

    batch: tuple[int, int, int]
    """Smallest, optimal and largest number of clips in one run."""
    compute_capability: str = ""
    """GPU generations, separated by commas, such as `sm86,sm89`."""
    workspace_mb: int | None = None
    """Most scratch memory of a layer in MiB; None: all there is."""
    timing_cache: Path | None = None
    """Is read where it exists, and written after the build."""


class Builder(Protocol):
    """Makes the engines of one back end. It imports little itself: `load` and `build` do."""

    def check(self, options: BuildOptions) -> None:
        """`UsageError` where an option is not for this builder."""
        ...

    def load(self) -> object:
        """Import what a build needs: `MissingDependencyError`, or `EngineError` without a GPU."""
        ...

    def build(self, bundle: Path, precision: str, options: BuildOptions) -> Sequence[str]:
        """Write an engine of the bundle's artefact into it; what was done, in lines."""
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
