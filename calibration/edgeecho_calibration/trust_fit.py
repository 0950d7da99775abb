"""Fitting interval, spaces and thresholds to the answers for validation videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.errors import InputError
from edgeecho.trust import Signals, Trust, refuse
from edgeecho.trust.learned_gates import LEARNED, SPACES, LearnedGate
from edgeecho.trust.space import Space
from edgeecho.trust.texture import SIZE
from edgeecho_calibration.interval_fit import fit_interval
from edgeecho_calibration.kinds import kinds_of
from edgeecho_calibration.trust_budget import Budget, threshold
from edgeecho_calibration.trust_kept import LabelledAnswer

_DIRECTIONS = {"texture": SIZE - 1}
_FEW_DIRECTIONS = 16
# Standard deviation that is added to that of the videos, so that what a codec, a colour conversion
# or a resize changes is not "far". Statistics are in grey levels, pictures in their logarithm.
# Embeddings have no unit, so theirs is a share of their root mean variance; textures are of several
# units, so each value's is a share of its variance. They are few enough for a whole covariance.
_FLOOR = {"statistics": 2.0, "picture": 0.3}
_FLOOR_SHARE = 0.1
_FOLDS = 5
BEYOND = 0.05
"""Share of the calibration videos that lie beyond the edge of what is usual."""


def fit_trust(
    answered: Sequence[LabelledAnswer], *, level: float, least: int, precision: str, domain: str
) -> Trust:
    """Fit what the runtime needs. `InputError` if fewer than `least` videos can be used.

    Videos that a gate without calibration refuses are left out: their EF is not shown, so the
    interval is for the others. That choice depends on the video and never on its label, so videos
    that pass later are exchangeable with those that pass here.
    """
    used = _accepted(answered)
    if len(used) < least:
        raise InputError(
            f"{len(used)} of {len(answered)} videos can be used and --least asks for {least}: "
            "give more validation videos"
        )
    intervals = {mode: fit_interval(used, mode, level) for mode in used[0].by_mode}
    signals = [_finest(one)[1] for one in used]
    kinds = _kinds(signals)
    seen = _seen(used, kinds)
    known, left = _known(seen), _divided(len(answered), seen).left
    gates = [gate for gate in LEARNED if known[gate.name]]
    return Trust(
        level=level,
        precision=precision,
        domain=domain,
        half_widths={mode: one.half_width for mode, one in intervals.items()},
        residuals={mode: one.residuals for mode, one in intervals.items()},
        difficulties={
            mode: one.difficulty for mode, one in intervals.items() if one.difficulty is not None
        },
        spaces=_fit_spaces(signals, kinds),
        limits={gate.name: _limit(gate, known[gate.name], left) for gate in gates},
        edges={gate.name: _edge(gate, known[gate.name]) for gate in gates},
    )


def fit_space(values: NDArray[np.float64], name: str) -> Space:
    """Fit a `Space` to measurements `(n, d)`."""
    n, d = values.shape
    centred = values - values.mean(axis=0)
    covariance = centred.T @ centred / max(n - 1, 1)
    covariance[np.diag_indices(d)] += _floor(covariance, name)
    scale = np.sqrt(np.diagonal(covariance))
    variances, directions = np.linalg.eigh(covariance / np.outer(scale, scale))
    # At most a fifth of the number of videos, to keep noise out of the directions.
    k = max(min(_DIRECTIONS.get(name, _FEW_DIRECTIONS), n // 5, d - 1), 1)
    return Space(
        mean=values.mean(axis=0).astype(np.float32),
        scale=scale.astype(np.float32),
        directions=directions[:, -k:].T.astype(np.float32),
        variances=variances[-k:].astype(np.float32),
        rest=float(variances[:-k].mean()),
    )


def _floor(covariance: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """What is added to each variance."""
    if name == "texture":
        return np.asarray(np.maximum(_FLOOR_SHARE * np.diagonal(covariance), 1e-6))
    mean = float(np.trace(covariance)) / len(covariance)
    floor = _FLOOR.get(name, _FLOOR_SHARE * np.sqrt(mean))
    return np.full(len(covariance), max(floor, 1e-6) ** 2)


def _fit_spaces(
    signals: Sequence[Signals], kinds: NDArray[np.intp]
) -> dict[str, tuple[Space, ...]]:
    """For each kind of videos a space of each name that is known of any of them."""
    of_kind = [
        [s for s, k in zip(signals, kinds, strict=True) if k == kind] for kind in np.unique(kinds)
    ]
    known = {name: [_values(name, some) for some in of_kind] for name in SPACES}
    return {
        name: tuple(fit_space(values, name) for values in found if len(values))
        for name, found in known.items()
        if any(map(len, found))
    }


def _known(seen: Mapping[str, Sequence[float | None]]) -> dict[str, list[float]]:
    return {name: [v for v in values if v is not None] for name, values in seen.items()}


def _limit(gate: LearnedGate, values: Sequence[float], left: float) -> float:
    return threshold(gate, values, left if gate.shares else 0.0)


def _edge(gate: LearnedGate, values: Sequence[float]) -> float:
    return float(np.quantile(values, BEYOND if gate.least else 1 - BEYOND))


def divide(answered: Sequence[LabelledAnswer]) -> Budget:
    """Count what the other gates refuse of the budget, each fifth by thresholds of the others."""
    used = _accepted(answered)
    kinds = _kinds([_finest(one)[1] for one in used])
    return _divided(len(answered), _seen(used, kinds))


def _divided(videos: int, seen: Mapping[str, Sequence[float | None]]) -> Budget:
    used = len(next(iter(seen.values())))
    refused: set[int] = set()
    for gate in (gate for gate in LEARNED if not gate.shares):
        known = {i: value for i, value in enumerate(seen[gate.name]) if value is not None}
        for fold in range(_FOLDS):
            rest = [value for i, value in known.items() if i % _FOLDS != fold]
            if rest:
                limit = threshold(gate, rest, 0.0)
                here = ((i, value) for i, value in known.items() if i % _FOLDS == fold)
                refused |= {i for i, value in here if gate.beyond(value, limit)}
    return Budget(videos, videos - used, len(refused))


def _seen(used: Sequence[LabelledAnswer], kinds: NDArray[np.intp]) -> dict[str, list[float | None]]:
    """By learned gate, each video's most extreme value over the modes; None if it has none.

    Distances are cross-validated: each fifth of the videos is compared with spaces fitted to the
    others.
    """
    seen: dict[str, list[float | None]] = {gate.name: [None] * len(used) for gate in LEARNED}
    signals = [_finest(one)[1] for one in used]
    for fold in range(min(_FOLDS, len(used))):
        others = [i for i in range(len(used)) if i % _FOLDS != fold]
        spaces = _fit_spaces([signals[i] for i in others], kinds[others])
        for place in range(fold, len(used), _FOLDS):
            for gate in LEARNED:
                looked = (gate.seen(s, spaces) for _, s in used[place].by_mode.values())
                values = [value for value in looked if value is not None]
                if values:
                    seen[gate.name][place] = min(values) if gate.least else max(values)
    return seen


def _kinds(signals: Sequence[Signals]) -> NDArray[np.intp]:
    return kinds_of(_values("texture", signals))


def _accepted(answered: Sequence[LabelledAnswer]) -> list[LabelledAnswer]:
    return [a for a in answered if not refuse(_finest(a)[1], None)]


def _finest(one: LabelledAnswer) -> tuple[float, Signals]:
    return next(iter(one.by_mode.values()))


def _values(name: str, signals: Sequence[Signals]) -> NDArray[np.float64]:
    """`(n, d)` of the videos for which it is known."""
    known = (SPACES[name](s) for s in signals)
    return np.array([value for value in known if value is not None], np.float64)
