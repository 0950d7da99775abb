"""All that the rest of edgeecho knows of a back end, in one place and without importing it.

A back end of ours is a folder beside this file, and a row of `OURS` in `registry.py`. One of
another package is an entry point:

    [project.entry-points."edgeecho.engines"]
    abacus = "my_package:ABACUS"

It runs where it is named; `auto` chooses among ours alone, so that installing a package changes no
answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec

from edgeecho.bundle import ModelFile
from edgeecho.engines.base import Engine

_CPU_ARITHMETIC = {"fp32": "f32", "fp16": "f32", "int8": "int8+f32"}


def cpu_arithmetic(precision: str) -> str:
    """What a CPU engine that was asked for f32 computes an artefact of `precision` in.

    An FP16 file has FP16 weights, but a CPU computes it in f32; an INT8 file has 8-bit
    convolutions, and what it leaves in float is f32.
    """
    return _CPU_ARITHMETIC.get(precision, "f32")


def no_obstacle(_model: ModelFile) -> str | None:
    """It runs wherever it is installed."""
    return None


def version_of_package(engine: EngineDescriptor) -> str:
    """For doctor: import the package, and say its version and what it runs on."""
    version = str(import_module(engine.package).__version__).partition("-")[0]
    return f"{version}; {engine.runs_on}"


@dataclass(frozen=True)
class EngineDescriptor:
    """One back end. What it holds may import the back end when it is called, never before."""

    name: str
    """As users write it after `--engine`."""
    package: str
    """The import name that it needs."""
    install: str
    """What to type when that is missing."""
    runs_on: str
    open: Callable[[EngineDescriptor, ModelFile, int, bool], Engine]
    """Make a model ready with so many threads (0: its own choice); the last argument: take what was
    compiled before from `edgeecho.common.cache`, and keep it there. `ModelError`, `EngineError`."""
    device: str = "cpu"
    """Kind of hardware: `cpu`, `nvidia`. The package of another kind than `cpu` is not imported
    before its device was found."""
    distribution: str | None = None
    """The installed package must be this one, where two have the same import name."""
    auto: int | None = None
    """Place among ours that `auto` tries, the lowest first; None: only where it is named."""
    refuses: Callable[[ModelFile], str | None] = no_obstacle
    """Why it cannot run a model on this machine although it is installed."""
    probe: Callable[[EngineDescriptor], str] = version_of_package
    """For doctor: what is found of it here, in words; any exception says that it fails."""
    arithmetic: Callable[[str], str] = cpu_arithmetic
    """By the precision of a file what it computes in, as `EngineFacts.precision` says it."""
    shares: bool = False
    """Whether it runs shared graphs: its engines are `SharedEngine`s too."""
    load_s: float = 300.0
    """A model that is not ready after so many seconds never will be."""
    builder: str | None = None
    """`module:attribute` of what makes its engines of an ONNX file, for `edgeecho build`, which
    alone imports it; None: it runs the ONNX file itself."""

    @property
    def available(self) -> bool:
        """Whether the package is installed; it is not imported."""
        if find_spec(self.package) is None:
            return False
        return self.distribution is None or is_installed(self.distribution)

    def obstacle(self, model: ModelFile) -> str | None:
        """Why it cannot run `model` on this machine; None: it can, or only a try will tell."""
        if not self.available:
            return f"not installed: {self.install}"
        return self.refuses(model)


def is_installed(distribution: str) -> bool:
    """Whether that package is there, whatever its import name."""
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
