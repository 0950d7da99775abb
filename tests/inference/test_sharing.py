"""Which clips are answered together, and that nobody can tell from the answers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
from flicker import flickering_cine
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeecho.bundle import SharedCost
from edgeecho.common.errors import EngineError
from edgeecho.inference import LoadedModel, estimate, loaded, run_clips
from edgeecho.inference.sharing import Sharing, split
from edgeecho.preprocess import ClipMode, PreprocessSpec, clip_starts, prepare

COST = SharedCost(frame=2.06, clip=32.6, fixed=-17.6, plain=81.0)
"""Of the full-size network, in 10^9."""


@given(
    starts=st.lists(st.integers(0, 300), min_size=1, max_size=120, unique=True),
    period=st.integers(1, 3),
)
def test_every_clip_is_answered_once(starts: list[int], period: int) -> None:
    spec = PreprocessSpec((0, 0, 0), (1, 1, 1), 32, period, 112)
    asked = np.array(starts, np.intp)
    blocks, left = split(asked, spec, COST)
    places = np.concatenate([*(block.places for block in blocks), left])
    assert sorted(places) == list(range(len(asked)))
    for block in blocks:
        assert (block.starts % 2 == 0).all()
        assert (block.first + block.starts * period == asked[block.places]).all()
        # The last clip's last frame is the last that is cut out.
        assert block.stop == asked[block.places].max() + 31 * period + 1
        assert len(block.places) <= 16


def test_clips_that_hardly_overlap_are_answered_alone() -> None:
    spec = PreprocessSpec((0, 0, 0), (1, 1, 1), 32, 2, 112)
    for stride, together in ((1, True), (4, True), (8, True), (16, True), (64, False)):
        blocks, left = split(np.arange(0, 640, stride), spec, COST)
        assert bool(blocks) == together, stride
        if not together:
            assert len(left) == 10


@pytest.mark.slow
@settings(deadline=None, max_examples=12)
@given(n=st.integers(10, 120), stride=st.integers(1, 9))
def test_answers_do_not_depend_on_sharing(model: LoadedModel, n: int, stride: int) -> None:
    alone = replace(model, file=replace(model.file, shared=None))
    video, clips = flickering_cine(n), f"stride:{stride}"
    together, expected = (estimate(video, m, clips=clips) for m in (model, alone))
    assert together.clip_starts == expected.clip_starts
    assert together.clip_efs == pytest.approx(expected.clip_efs, abs=1e-3)


@pytest.mark.slow
def test_all_clips_of_a_video_are_answered_together(model: LoadedModel) -> None:
    used = []
    sharing = model.sharing
    assert sharing is not None

    def watch() -> object:
        engine = sharing.open()

        def infer(inputs: dict[str, np.ndarray]) -> object:
            used.append(len(inputs["starts"]))
            return engine.infer(inputs)

        return SimpleNamespace(infer=infer)

    spec = model.file.preprocess
    prepared = prepare(flickering_cine(130), spec)
    starts = clip_starts(130, spec, ClipMode("all"))
    run = run_clips(prepared, spec, model.engine, starts, Sharing(sharing.cost, watch))
    assert run.shared == sum(used) == len(starts) == 68
    assert used == [9, 8] * 4


@pytest.mark.slow
def test_where_the_shared_graph_cannot_be_loaded_each_clip_is_answered_alone(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot = Mock(side_effect=EngineError("its nodes are left to the CPU"))
    monkeypatch.setattr(loaded, "load_shared", cannot)
    engine = SimpleNamespace(facts=model.engine.facts, run=model.engine.run)
    other = replace(model, engine=engine)
    expected = estimate(flickering_cine(70), model, clips="all")
    for _ in range(2):
        answer = estimate(flickering_cine(70), other, clips="all")
        assert answer.clip_efs == pytest.approx(expected.clip_efs, abs=1e-3)
        assert (answer.clips_shared, expected.clips_shared) == (0, 8)
        (passed,) = answer.engine.passed_over[len(expected.engine.passed_over) :]
        assert passed.name == f"{model.engine.facts.name}, clips together"
        assert passed.why == "its nodes are left to the CPU"
    assert cannot.call_count == 1
    assert estimate(flickering_cine(70), other, clips="center").clips_shared == 0


@pytest.mark.slow
def test_engine_that_shares_nothing_answers_all_the_same(model: LoadedModel) -> None:
    facts = replace(model.engine.facts, name="tensorrt")
    other = replace(model, engine=SimpleNamespace(facts=facts, run=model.engine.run))
    assert other.sharing is None
    answer = estimate(flickering_cine(70), other, clips="all")
    assert answer.clip_efs == pytest.approx(
        estimate(flickering_cine(70), model, clips="all").clip_efs, abs=1e-3
    )


@pytest.mark.slow
def test_not_a_number_from_a_shared_graph_is_an_error(model: LoadedModel) -> None:
    sharing = model.sharing
    assert sharing is not None

    def broken() -> object:
        engine = sharing.open()

        def infer(inputs: dict[str, np.ndarray]) -> object:
            found = engine.infer(inputs)
            return {**found, "ef": found["ef"] * np.nan}

        return SimpleNamespace(infer=infer)

    spec = model.file.preprocess
    prepared = prepare(flickering_cine(90), spec)
    with pytest.raises(EngineError, match="not a number"):
        run_clips(prepared, spec, model.engine, np.arange(20), Sharing(sharing.cost, broken))
