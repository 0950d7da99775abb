"""What the rest of edgeecho knows about an engine without importing its library.

An engine of ours is a folder beside this file and a row of `OURS` in `registry.py`. Another
package adds one by an entry point:

    [project.entry-points."edgeecho.engines"]
    abacus = "my_package:ABACUS"

Such an engine runs only if it is named: `auto` chooses among ours, so that installing a package
changes no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

from edgeecho.bundle import ModelFile
from edgeecho.common.precisions import PRECISIONS
from edgeecho.engines.base import Engine
from edgeecho.engines.trial import run_trial


def cpu_arithmetic(precision: str) -> str:
    """The arithmetic in which a CPU engine that is asked for f32 computes this precision."""
    return PRECISIONS[precision].cpu_arithmetic if precision in PRECISIONS else "f32"


def no_obstacle(_model: ModelFile) -> str | None:
    return None


@dataclass(frozen=True)
class EngineDescriptor:
    """One engine. Its functions may import the library when they are called, never before."""

    name: str
    """The name that users give to `--engine`."""
    package: str
    """The import name of the package that it needs."""
    install: str
    """The command that installs the package."""
    runs_on: str
    open: Callable[[EngineDescriptor, ModelFile, int, bool], Engine]
    """Make a model ready with this many threads (0: its own choice). The last argument: use and
    fill the cache of compiled models (`edgeecho.common.cache`). `ModelError`, `EngineError`."""
    device: str = "cpu"
    """Kind of hardware: `cpu` or `nvidia`. A package that needs a device is not imported before the
    device is found."""
    distribution: str | None = None
    """The distribution that must be installed, where two share an import name."""
    auto: int | None = None
    """Position in the order that `auto` tries, lowest first; None: runs only if it is named."""
    refuses: Callable[[ModelFile], str | None] = no_obstacle
    """The reason why it cannot run a model on this machine although it is installed."""
    probe: Callable[[EngineDescriptor], str] = run_trial
    """For doctor: run it as far as that takes no model, and say what was found. `NoDeviceError`:
    its hardware is not here; any other exception means that the engine fails."""
    arithmetic: Callable[[str], str] = cpu_arithmetic
    """From a file's precision to the arithmetic, in the words of `EngineFacts.precision`."""
    shares: bool = False
    """Whether it runs shared graphs; its engines then are `GraphEngine`s too."""
    load_s: float = 300.0
    """Time limit for making a model ready, in s; a slower engine is taken to hang."""
    builder: str | None = None
    """`module:attribute` of the builder that makes its engines from an ONNX file. Only `edgeecho
    build` imports it. None: the engine runs the ONNX file itself."""

    @property
    def available(self) -> bool:
        """Whether the package is installed; it is not imported."""
        if find_spec(self.package) is None:
            return False
        return self.distribution is None or is_installed(self.distribution)

    def obstacle(self, model: ModelFile) -> str | None:
        """Why it cannot run `model` on this machine; None if it can or only a try will tell."""
        if not self.available:
            return f"not installed: {self.install}"
        return self.refuses(model)


def is_installed(distribution: str) -> bool:
    """Whether the distribution is installed, whatever its import name."""
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
