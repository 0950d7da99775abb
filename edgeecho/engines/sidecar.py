"""Engines inside a bundle: `engines/NAME.engine`, bytes as a builder wrote them, and `NAME.json`.

The sidecar says of which ONNX file, by what and for what an engine was built. An engine without
one is no engine: it is written first, its sidecar last. What only one back end understands of it
stands in that back end's own sidecar class, in the same file.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar, get_origin, get_type_hints

from edgeecho.bundle.open import ModelFile
from edgeecho.bundle.typed import tuple_of, typed
from edgeecho.common.errors import EngineError
from edgeecho.common.files import parse_json, sha256_file
from edgeecho.common.seal import sealed

FOLDER = "engines"
SCHEMA_VERSION = 1
_BUILD = "build it again with `edgeecho build`"


@dataclass(frozen=True, kw_only=True)
class EngineSidecar:
    """What is known of one built engine, whoever built it."""

    file: str
    """Of the engine, beside the sidecar."""
    sha256: str
    """Of the engine's bytes."""
    kind: str
    """Name of the engine that it was built for."""
    version: str
    """Of that; an engine runs in no other."""
    platform: str
    """Of the build, such as `Linux x86_64`."""
    precision: str
    onnx_file: str
    onnx_sha256: str
    """Of the ONNX file that it was built from."""
    batch: tuple[int, int, int]
    """Smallest, optimal and largest number of clips in one run."""
    input_shape: tuple[int, ...]
    """Of one clip: (3, frames, size, size)."""
    edgeecho: str
    """Version that built it."""

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON, sealed as a manifest is."""
        return sealed({"schema_version": SCHEMA_VERSION, **asdict(self)})


Sidecar = TypeVar("Sidecar", bound=EngineSidecar)


def sidecar_of(engine: Path) -> Path:
    """Where an engine's sidecar is."""
    return engine.with_name(engine.name.removesuffix(".engine") + ".json")


def read_sidecars(
    bundle: Path, sidecar: type[Sidecar], kinds: Sequence[str]
) -> tuple[tuple[Sidecar, ...], tuple[str, ...]]:
    """The engines of these kinds in a bundle, by name, and what is wrong with files that say none.

    `sidecar` is the class of the back end that they are built for.
    """
    found, unusable = [], []
    for file in sorted((bundle / FOLDER).glob("[!.]*.json")):
        try:
            values = _read_values(file)
            if values.get("kind") in kinds:
                found.append(_sidecar(file, values, sidecar))
            elif not isinstance(values.get("kind"), str):
                raise EngineError(f"{file} is incomplete (it names no kind): {_BUILD}")
        except EngineError as error:
            # One damaged file must not cost the others.
            unusable.append(str(error).replace(str(file), file.name))
    return tuple(found), tuple(unusable)


def read_sidecar(file: Path, sidecar: type[Sidecar]) -> Sidecar:
    """Read one; `EngineError` where it is missing, malformed or was changed."""
    return _sidecar(file, _read_values(file), sidecar)


def _read_values(file: Path) -> dict[str, Any]:
    try:
        value = parse_json(file.read_bytes())
    except FileNotFoundError as error:
        raise EngineError(f"{file} is missing: its engine says nothing of itself, {_BUILD}") from (
            error
        )
    except (OSError, ValueError) as error:
        raise EngineError(f"{file} cannot be read ({error}): {_BUILD}") from error
    if not isinstance(value, dict) or value.get("schema_version") != SCHEMA_VERSION:
        version = value.get("schema_version") if isinstance(value, dict) else None
        raise EngineError(
            f"{file} has schema version {reprlib.repr(version)}, this edgeecho reads "
            f"{SCHEMA_VERSION}: {_BUILD}"
        )
    if sealed(value)["seal"] != value.get("seal"):
        raise EngineError(f"{file} was changed after the build (its seal does not fit): {_BUILD}")
    return {k: v for k, v in value.items() if k not in ("schema_version", "seal")}


def _sidecar(file: Path, values: dict[str, Any], sidecar: type[Sidecar]) -> Sidecar:
    lists = [name for name, hint in get_type_hints(sidecar).items() if get_origin(hint) is tuple]
    try:
        found = typed(sidecar, values | {name: tuple_of(values[name]) for name in lists})
    except (KeyError, TypeError) as error:
        raise EngineError(f"{file} is incomplete ({error}): {_BUILD}") from error
    if not found.file.isprintable() or Path(found.file).name != found.file:
        raise EngineError(
            f"{file} names {reprlib.repr(found.file)}, which is no file beside it: {_BUILD}"
        )
    return found


def check_engine(sidecar: EngineSidecar, folder: Path, model: ModelFile) -> Path:
    """The engine's file, if it is `model`'s and whole; `folder` is where the sidecar lies.

    `EngineError` names both sides where the ONNX file is another than the engine was built
    from, or the engine's bytes are others than were built.
    """
    if sidecar.onnx_sha256 != model.sha256:
        raise EngineError(
            f"{sidecar.file} is stale: it was built from {sidecar.onnx_file} with sha256 "
            f"{sidecar.onnx_sha256[:12]}…, the bundle's {model.path.name} has "
            f"{model.sha256[:12]}…: {_BUILD}"
        )
    engine = folder / sidecar.file
    if not engine.is_file():
        raise EngineError(f"{engine} is missing: the copy is incomplete, copy the bundle again")
    found = sha256_file(engine)
    if found != sidecar.sha256:
        raise EngineError(
            f"{engine} was changed after the build (sha256 {found[:12]}…, its sidecar says "
            f"{sidecar.sha256[:12]}…): copy the bundle again, or {_BUILD}"
        )
    return engine
