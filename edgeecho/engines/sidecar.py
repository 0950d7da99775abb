"""Built engines (plans) in a bundle: `engines/NAME.engine`, a builder's bytes, and `NAME.json`.

The JSON file, the sidecar, says which ONNX file a plan was built from, by what and for what. The
sidecar is written last, so a plan without one is incomplete and ignored. Each library keeps what
only it understands in its own sidecar class, in the same file.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar, get_origin, get_type_hints

from edgeecho.bundle import ModelFile
from edgeecho.bundle.typed import tuple_of, typed
from edgeecho.common.errors import EngineError
from edgeecho.common.files import parse_json, sha256_file
from edgeecho.common.seal import sealed

FOLDER = "engines"
SCHEMA_VERSION = 1
_BUILD = "build it again with `edgeecho build`"


@dataclass(frozen=True, kw_only=True)
class EngineSidecar:
    """What every sidecar says about its plan."""

    file: str
    """File name of the plan, beside the sidecar."""
    sha256: str
    """Hash of the plan's bytes."""
    kind: str
    """Name of the engine that runs the plan."""
    version: str
    """Version of that engine's library; no other version loads the plan."""
    platform: str
    """Where it was built, such as `Linux x86_64`."""
    precision: str
    onnx_file: str
    onnx_sha256: str
    """Hash of the ONNX file that it was built from."""
    batch: tuple[int, int, int]
    """Smallest, optimal and largest number of clips in one run; of a segmentation, of frames."""
    input_shape: tuple[int, ...]
    """Shape of one clip: (3, frames, size, size), or frame: (3, size, size)."""
    edgeecho: str
    """Version of edgeecho that built it."""

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON, sealed like a manifest."""
        return sealed({"schema_version": SCHEMA_VERSION, **asdict(self)})


Sidecar = TypeVar("Sidecar", bound=EngineSidecar)


def sidecar_of(engine: Path) -> Path:
    """Path of a plan's sidecar."""
    return engine.with_name(engine.name.removesuffix(".engine") + ".json")


def read_sidecars(
    bundle: Path, sidecar: type[Sidecar], kinds: Sequence[str]
) -> tuple[tuple[Sidecar, ...], tuple[str, ...]]:
    """The plans of these kinds in a bundle, by name, and what is wrong with unusable sidecars.

    `sidecar` is the sidecar class of the engine that runs them.
    """
    found, unusable = [], []
    for file in sorted((bundle / FOLDER).glob("[!.]*.json")):
        try:
            found.append(read_sidecar(file, sidecar, kinds))
        except EngineError as error:
            # One damaged file must not hide the others.
            unusable.append(str(error).replace(str(file), file.name))
    return tuple(filter(None, found)), tuple(unusable)


def read_sidecar(file: Path, sidecar: type[Sidecar], kinds: Sequence[str]) -> Sidecar | None:
    """Read one; None if of another kind. `EngineError` if it is missing, malformed or changed."""
    values = _read_values(file)
    if isinstance(values.get("kind"), str) and values["kind"] not in kinds:
        return None
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


def check_engine(sidecar: EngineSidecar, folder: Path, model: ModelFile) -> Path:
    """Path of the plan if it belongs to `model` and is intact; `folder` holds the sidecar.

    `EngineError` names both sides if the plan was built from another ONNX file, or if its bytes
    have changed.
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
