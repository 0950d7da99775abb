"""What counts of videos can show, by exact binomial probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable


def at_least(k: int, n: int, p: float) -> float:
    """Probability of `k` or more of `n`, each with probability `p` in 0..1."""
    if k <= 0 or p >= 1:
        return 1.0
    if p <= 0:
        return 0.0
    logs = (
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
        + i * math.log(p) + (n - i) * math.log1p(-p)
        for i in range(k, n + 1)
    )  # fmt: skip
    return min(sum(map(math.exp, logs)), 1.0)


def most(k: int, n: int, sure: float = 0.95) -> float:
    """The largest share of which `k` or fewer of `n` are not rarer than 1 - `sure`.

    It is the upper end of the one-sided Clopper-Pearson interval (Biometrika 1934;26:404).
    """
    if k >= n:
        return 1.0
    return _solve(lambda p: at_least(k + 1, n, p), sure)


def coverage(n: int, level: float, sure: float = 0.9) -> tuple[float, float]:
    """Between which shares an interval's coverage lies, with probability `sure`.

    A split-conformal interval from `n` exchangeable videos covers a share that follows a Beta
    distribution with ceil((n + 1) `level`) = k and n + 1 - k (Vovk, Asian Conf. Machine Learning
    2012): it is below x if k or more of n fall below x. `ValueError` if `n` is too small.
    """
    k = math.ceil((n + 1) * level)
    if k > n:
        raise ValueError(f"{n} videos are too few for a level of {level:g}")
    tail = (1 - sure) / 2
    low, high = (_solve(lambda x: at_least(k, n, x), share) for share in (tail, 1 - tail))
    return low, high


def _solve(rising: Callable[[float], float], value: float) -> float:
    """Where a function that rises over 0..1 reaches `value`."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if rising(middle) < value:
            low = middle
        else:
            high = middle
    return (low + high) / 2
