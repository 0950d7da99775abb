"""Values from a file, held to the types that a dataclass declares for them."""

from __future__ import annotations

import math
import reprlib
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
# Larger ones are no count and no measurement, and neither C nor a float has room for them.
_LARGEST = 1 << 63


def typed(cls: type[T], values: Mapping[str, Any]) -> T:
    """`cls(**values)`; `TypeError` where one is missing, unknown or of another type.

    Numbers are finite, a list is a tuple already. What a `Mapping[str, Any]` holds is not looked
    at.
    """
    hints = get_type_hints(cls)
    for name, value in values.items():
        if name in hints and not _fits(value, hints[name]):
            raise TypeError(f"{name} cannot be {reprlib.repr(value)}")
    return cls(**values)


def tuple_of(value: Any) -> tuple[Any, ...]:
    """What JSON has as a list; `TypeError` for a text, whose letters a tuple would hold."""
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
