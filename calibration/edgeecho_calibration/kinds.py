"""Kinds of calibration videos, such as those of two machines, told apart by their grain."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.errors import MissingDependencyError

FEWEST = 100
"""Videos of a kind: fewer do not show how its values vary together."""
_MOST = 4
_DIRECTIONS = 8


def kinds_of(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """The kind of each of `n` videos, from measurements `(n, d)`, counted from 0.

    One Gaussian around the videos of two machines would also hold what lies between them, which is
    neither. So a mixture of Gaussians is fitted, along the principal directions, with as many
    components as Schwarz's criterion asks for (Ann. Stat. 1978;6:461) and each has `FEWEST` videos.
    """
    if len(values) < 2 * FEWEST:
        return np.zeros(len(values), np.intp)
    if find_spec("sklearn") is None:
        raise MissingDependencyError(
            "telling kinds of videos apart needs scikit-learn, which is not installed: "
            "pip install 'edgeecho[evaluate]'"
        )
    from sklearn.mixture import GaussianMixture

    scaled = (values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6)
    _, _, directions = np.linalg.svd(scaled, full_matrices=False)
    places = scaled @ directions[:_DIRECTIONS].T
    best, least = np.zeros(len(values), np.intp), np.inf
    for number in range(1, _MOST + 1):
        mixture = GaussianMixture(number, reg_covar=1e-2, n_init=3, random_state=0).fit(places)
        kinds = np.asarray(mixture.predict(places), np.intp)
        criterion = float(mixture.bic(places))
        if criterion < least and np.bincount(kinds, minlength=number).min() >= FEWEST:
            best, least = kinds, criterion
    return best
