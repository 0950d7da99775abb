"""Taking turns: whatever the machine does meanwhile, it does to all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")
_PAUSE_S = 0.02
"""Threads of the one before may wait by spinning, for some milliseconds."""


def take_turns(
    tasks: Mapping[str, Callable[[], T]], *, rounds: int, warmup: int
) -> dict[str, tuple[T, ...]]:
    """What each task gave, by its name, in the order of the rounds; `warmup` rounds go before.

    Every round runs each task once and begins with another, so that none always follows the same.
    """
    names = list(tasks)
    given: dict[str, list[T]] = {name: [] for name in names}
    for turn in range(warmup + rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            if len(names) > 1:
                time.sleep(_PAUSE_S)
            result = tasks[name]()
            if turn >= warmup:
                given[name].append(result)
    return {name: tuple(values) for name, values in given.items()}
