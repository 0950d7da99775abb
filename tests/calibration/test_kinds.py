"""Kinds of calibration videos are told apart by their values."""

from __future__ import annotations

import numpy as np
import pytest

from edgeecho.common.errors import MissingDependencyError
from edgeecho_calibration import kinds as module
from edgeecho_calibration.kinds import kinds_of


def drawn(*groups: tuple[float, int], d: int = 42, seed: int = 0) -> np.ndarray:
    """Correlated values around each group's place, so many of each."""
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((d, d)) / np.sqrt(d)
    return np.concatenate([place + rng.standard_normal((n, d)) @ mixed for place, n in groups])


def test_two_machines_are_two_kinds() -> None:
    found = kinds_of(drawn((0, 150), (2, 180)))
    assert set(found[:150]) != set(found[150:])
    assert len(set(found[:150])) == len(set(found[150:])) == 1


@pytest.mark.parametrize("seed", range(4))
def test_one_machine_is_one_kind(seed: int) -> None:
    assert set(kinds_of(drawn((0, 400), seed=seed))) == {0}


def test_a_kind_has_a_hundred_videos() -> None:
    assert set(kinds_of(drawn((0, 180), (3, 20)))) == {0}
    assert set(kinds_of(drawn((0, 99), (3, 99)))) == {0}
    assert set(kinds_of(drawn((0, 100), (3, 100)))) == {0, 1}


def test_few_videos_need_no_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert set(kinds_of(drawn((0, 100)))) == {0}
    with pytest.raises(MissingDependencyError, match=r"edgeecho\[evaluate\]"):
        kinds_of(drawn((0, 200)))
