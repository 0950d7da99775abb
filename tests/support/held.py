"""Stand-ins restricted to the real bindings: they have only what `trt_api/*.json` lists."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any

_BUFFER = (bytes, bytearray, memoryview)
_TYPES: dict[str, Any] = {
    "int": int, "typing.SupportsInt": int, "str": str, "bool": bool, "tuple": tuple,
    "list": list, "buffer": _BUFFER, "typing_extensions.Buffer": _BUFFER, "Dims": (tuple, list),
}  # fmt: skip


class MisuseError(AssertionError):
    """What no real GPU would forgive: wrong order, lifetime, size or stream."""


def read_api(name: str) -> dict[str, Any]:
    """Of `trt_api/NAME.json`."""
    return json.loads((Path(__file__).parent / "trt_api" / f"{name}.json").read_text())


def make_enum(name: str, members: Mapping[str, int]) -> Any:
    return IntEnum(name, members)


class Held:
    """Base of stand-ins for classes. `_api` is the real class; names with _ are our own."""

    _api: Mapping[str, Any] = {}
    _module: Mapping[str, Any] = {}
    """Classes and enums that arguments may have, by name."""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_"):
            return object.__getattribute__(self, name)
        real = self._real(name)
        value = object.__getattribute__(self, name)
        return value if real == "property" else self._checked(name, real, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and self._real(name) != "property":
            raise AttributeError(f"{type(self).__name__}.{name} cannot be set")
        object.__setattr__(self, name, value)

    @classmethod
    def _real(cls, name: str) -> Any:
        if name not in cls._api:
            raise AttributeError(f"the real {cls.__name__} has no {name}")
        return cls._api[name]

    @classmethod
    def _checked(cls, name: str, overloads: list[str], function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            bound = cls._bind(name, overloads, args, kwargs)
            return function(*bound)

        return call

    @classmethod
    def _bind(cls, name: str, overloads: list[str], args: Any, kwargs: Any) -> list[Any]:
        """Arguments in the order of the first overload that takes them, as pybind11 does it."""
        for text in overloads:
            parameters = _parameters(text)
            signature = inspect.Signature([p for p, _ in parameters])
            try:
                bound = signature.bind(*args, **kwargs).arguments
            except TypeError:
                continue
            kinds = {p.name: cls._type(kind) for p, kind in parameters}
            if all(kinds[n] and isinstance(v, kinds[n]) for n, v in bound.items()):
                return list(bound.values())
        raise TypeError(f"{cls.__name__}.{name} takes {' or '.join(overloads)}, not {args}{kwargs}")

    @classmethod
    def _type(cls, kind: str) -> Any:
        return _TYPES.get(kind) or cls._module.get(kind)


def _parameters(text: str) -> list[tuple[inspect.Parameter, str]]:
    """Of `(self: C, name: str, flags: int = 0) -> T`, without self."""
    inside, depth, parts = text[: text.rindex(" -> ")].strip()[1:-1], 0, [""]
    for character in inside:
        depth += (character in "[(<") - (character in "])>")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    found = []
    for part in parts[1:]:
        name, _, rest = part.strip().partition(": ")
        kind, _, default = rest.partition(" = ")
        empty = default if default else inspect.Parameter.empty
        kind_of = inspect.Parameter.POSITIONAL_OR_KEYWORD
        found.append((inspect.Parameter(name, kind_of, default=empty), kind))
    return found
