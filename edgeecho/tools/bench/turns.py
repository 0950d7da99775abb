"""Running tasks in turns, so that changes of the machine affect all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")
_PAUSE_S = 0.02
"""Pause between tasks, because threads of the previous one may spin for some milliseconds."""


def take_turns(
    tasks: Mapping[str, Callable[[], T]], *, rounds: int, warmup: int
) -> dict[str, tuple[T, ...]]:
    """Results of each task by name, in the order of the rounds, after `warmup` rounds.

    Every round runs each task once and begins with the next one, so that the order varies.
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
