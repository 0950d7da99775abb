"""Running clips in batches, with an engine whose answers and times are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from brightness import SPEC, Brightness, brightening

from edgeecho.bundle import SharedCost
from edgeecho.common.errors import EngineError
from edgeecho.engines import Outputs
from edgeecho.inference import clips as module
from edgeecho.inference import run_clips
from edgeecho.inference.sharing import Sharing
from edgeecho.preprocess import Prepared, gather_clips, normalise, prepare


def prepared(n: int) -> Prepared:
    return prepare(brightening(n), SPEC)


@pytest.mark.parametrize(
    ("plain", "shared"), [(None, 0), (20.0, 3), (1000.0, 5)], ids=["alone", "some", "together"]
)
def test_every_clip_has_its_own_answer_in_the_order_of_the_starts(
    plain: float | None, shared: int
) -> None:
    # Of 9, 3, 20, 4 and 8, the last three may share states.
    starts = np.array([9, 3, 20, 4, 8])
    cost = plain and SharedCost(frame=1.0, clip=1.0, fixed=25.0, plain=plain)
    sharing = Sharing(cost, Brightness) if cost else None
    progress: list[tuple[int, int]] = []
    run = run_clips(
        prepared(40), SPEC, Brightness(), starts, sharing, batch=2,
        on_progress=lambda done, of: progress.append((done, of)),
    )  # fmt: skip
    assert (progress[0], progress[-1]) == ((0, 5), (5, 5))
    assert run.starts.tolist() == starts.tolist()
    assert run.outputs.ef.tolist() == [19, 13, 30, 14, 18]
    first = run.outputs.embedding[:, :1]
    assert (run.outputs.embedding == first + np.arange(0, 8, 2)).all()
    assert first.ravel().tolist() == run.outputs.ef.tolist()
    assert run.shared == shared


def test_a_short_video_is_padded_with_mean_grey() -> None:
    run = run_clips(prepared(5), SPEC, Brightness(), np.array([0, 1]))
    assert run.outputs.embedding.tolist() == [[10, 12, 14, 0], [11, 13, 0, 0]]


def test_batches_are_as_large_as_asked_for_and_progress_follows_them() -> None:
    engine, progress = Brightness(), []
    run_clips(
        prepared(40), SPEC, engine, np.arange(5), batch=2,
        on_progress=lambda done, of: progress.append((done, of)),
    )  # fmt: skip
    assert engine.sizes == [2, 2, 1]
    assert progress == [(0, 5), (2, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize("most", [2, 1])
def test_clips_are_cut_into_the_engines_room_if_it_has_one(most: int) -> None:
    class Roomy(Brightness):
        memory = np.full((2, 3, SPEC.frames, SPEC.size, SPEC.size), np.nan, np.float32)

        def room(self, clips: int) -> object:
            return self.memory[:clips] if clips <= most else None

        def run(self, clips: object) -> Outputs:
            assert (clips.ctypes.data == self.memory.ctypes.data) is (len(clips) <= most)
            return super().run(clips)

    starts = np.array([9, 3, 20, 4, 8])
    run = run_clips(prepared(40), SPEC, Roomy(), starts, batch=2)
    plain = run_clips(prepared(40), SPEC, Brightness(), starts, batch=2)
    assert run.outputs.ef.tolist() == plain.outputs.ef.tolist() == [19, 13, 30, 14, 18]
    assert (run.outputs.embedding == plain.outputs.embedding).all()


def test_times_of_cutting_and_of_the_engine_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0

    def takes(seconds: float, function: object) -> object:
        def timed(*given: object) -> object:
            nonlocal now
            now += seconds
            return function(*given)  # type: ignore[operator]

        return timed

    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: now))
    monkeypatch.setattr(module, "normalise", takes(1, normalise))
    monkeypatch.setattr(module, "gather_clips", takes(0.25, gather_clips))
    engine = Brightness()
    monkeypatch.setattr(engine, "run", takes(10, engine.run))
    run = run_clips(prepared(40), SPEC, engine, np.arange(5), batch=2)
    # The frames are normalised once; three batches are cut and run.
    assert run.cut_ms == pytest.approx(1750)
    assert run.engine_ms == pytest.approx(30_000)


@pytest.mark.parametrize("broken", ["ef", "embedding"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_output_that_is_no_number_is_an_error(broken: str, value: float) -> None:
    class Broken(Brightness):
        def run(self, clips: np.ndarray) -> Outputs:
            found = super().run(clips)
            getattr(found, broken)[-1] = value
            return found

    with pytest.raises(EngineError, match="brightness gave an EF that is not a number"):
        run_clips(prepared(40), SPEC, Broken(), np.arange(5), batch=2)
