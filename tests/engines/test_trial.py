"""The tiny network that doctor runs on each engine."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgeecho.common.errors import EngineError
from edgeecho.engines import OURS, EngineFacts, find_engine
from edgeecho.engines.trial import FILE, run_trial

CPU = [entry.name for entry in OURS if entry.device == "cpu"]


def test_the_file_is_what_its_script_makes_byte_for_byte() -> None:
    trial = pytest.importorskip("trial")
    assert FILE.read_bytes() == trial.trial()
    assert FILE.stat().st_size < 1000


@pytest.mark.parametrize("name", CPU)
def test_each_cpu_engine_runs_it(name: str) -> None:
    engine = find_engine(name)
    assert engine is not None
    assert engine.probe(engine).endswith("; opened and ran a tiny network")


@pytest.mark.parametrize("ef", [30.2, 29.8, float("nan")])
def test_an_engine_that_computes_something_else_fails(ef: float) -> None:
    def give(value: float) -> Any:
        facts = EngineFacts("a", "1", "beads", "f32", 1)
        return lambda *_: SimpleNamespace(
            facts=facts, run=lambda clip: SimpleNamespace(ef=np.float32([value]))
        )

    engine = replace(OURS[0], open=give(30.05))
    assert run_trial(engine) == "1 on beads; opened and ran a tiny network"
    with pytest.raises(EngineError, match=r"gives an EF of .* where 30 is right"):
        run_trial(replace(engine, open=give(ef)))
