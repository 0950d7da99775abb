"""Checking values from a file against the types declared by a dataclass."""

from __future__ import annotations

import functools
import math
import reprlib
import types
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
# A larger number is neither a count nor a measurement, and overflows in C.
_LARGEST = 1 << 63
# It compiles every annotation anew, and a bundle holds dozens of entries of the same few classes.
_hints: Callable[[type], dict[str, Any]] = functools.cache(get_type_hints)


def typed(cls: type[T], values: Mapping[str, Any]) -> T:
    """`cls(**values)`; `TypeError` if a value is missing, unknown or of another type.

    Every field must be there, those with a default too: whoever writes a file writes them all.
    Numbers must be finite, and lists must already be tuples. The values of a `Mapping[str, Any]`
    are not checked.
    """
    hints = _hints(cls)
    if missing := sorted(hints.keys() - values.keys()):
        raise TypeError(f"{', '.join(missing)} missing")
    for name, value in values.items():
        if name in hints and not _fits(value, hints[name]):
            raise TypeError(f"{name} cannot be {reprlib.repr(value)}")
    return cls(**values)


def tuple_of(value: Any) -> tuple[Any, ...]:
    """A JSON list as a tuple; `TypeError` for anything else, such as a text."""
    if not isinstance(value, list | tuple):
        raise TypeError(f"expected a list, got {reprlib.repr(value)}")
    return tuple(value)


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is tuple:
        of_any_length = inner[-1] is ...
        return (
            isinstance(value, tuple)
            and (of_any_length or len(value) == len(inner))
            and all(_fits(v, inner[0]) for v in value)
        )
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            isinstance(k, str) and _fits(v, inner[1]) for k, v in value.items()
        )
    if hint in (int, float):
        kinds = (int,) if hint is int else (int, float)
        return type(value) in kinds and abs(value) < _LARGEST and math.isfinite(value)
    return isinstance(value, hint)
