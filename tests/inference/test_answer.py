"""The answer to frames whose clips have known EFs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from brightness import SPEC, Brightness, bright_model, brightening

from edgeecho.bundle import SharedCost, SharedFile
from edgeecho.common.errors import UsageError
from edgeecho.inference import (
    LoadedModel,
    answer_file,
    estimate,
    make_ready,
    measure_prepared,
    ready,
)
from edgeecho.inference import (
    loaded as module,
)
from edgeecho.inference.ready import read_ready
from edgeecho.inference.sharing import split
from edgeecho.preprocess import Handling, prepare


def test_every_number_of_an_answer() -> None:
    model = bright_model()
    answer = estimate(brightening(20), model, clips="stride:4")
    # 20 frames hold 14 starts, 0 to 13.
    assert answer.clip_starts == (0, 4, 8, 12)
    assert answer.clip_efs == (10, 14, 18, 22)
    assert answer.ef == 16
    assert answer.sd == pytest.approx(np.std([10, 14, 18, 22], ddof=1))
    assert answer.clip_times_s == pytest.approx((0, 0.08, 0.16, 0.24))
    assert (answer.clips, answer.clips_shared) == ("stride:4", 0)
    assert (answer.model, answer.engine) == (model.file, Brightness.facts)
    assert (answer.interval, answer.probabilities) == (None, None)
    # It becomes brighter as a whole, as no heart does.
    assert [refusal.gate for refusal in answer.refusals] == ["flickering"]
    assert set(answer.timings_ms) == {"preprocess", "engine"}
    assert model.engine.sizes == [2, 2]  # type: ignore[attr-defined]


def test_four_clips_are_run_at_a_time() -> None:
    engine = Brightness()
    estimate(brightening(20), LoadedModel(bright_model().file, engine), clips="all")
    assert engine.sizes == [4, 4, 4, 2]


def test_a_single_clip_has_no_spread() -> None:
    answer = estimate(brightening(20), bright_model(), clips="center")
    assert (answer.clip_starts, answer.ef, answer.sd) == ((6,), 16, None)


def test_what_a_gate_refuses_is_refused_and_not_warned_of() -> None:
    answer = estimate(brightening(3), bright_model(), clips="center")
    assert answer.refused
    assert answer.refusals[0].gate == "too-short"
    assert not any("short" in warning for warning in answer.warnings)


def test_of_a_video_shorter_than_a_clip_the_second_has_the_last_frames_time() -> None:
    answer = estimate(brightening(1), bright_model(), clips="all")
    assert (answer.clip_starts, answer.clip_times_s) == ((0, 1), (0.0, 0.0))


def test_without_a_rate_clips_have_no_time() -> None:
    assert estimate(brightening(20, None), bright_model(), clips="all").clip_times_s is None


def test_clips_every_16_frames_are_the_default() -> None:
    answer = estimate(brightening(40), bright_model())
    assert (answer.clip_starts, answer.clips) == ((0, 16, 32), "stride:16")


def test_warnings_are_those_of_the_model_then_of_the_video_then_of_the_verdict() -> None:
    model, first, second, last = estimate(brightening(6), bright_model()).warnings
    assert model.startswith("this model's skill was never measured")
    assert first.startswith("short: 6 frames, but a clip spans 7")
    assert "no heart beat" in second
    assert last.startswith("this model has no measured uncertainty")


def test_an_unknown_mode_is_said_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="stride:N"):
        answer_file(tmp_path / "not there.avi", bright_model(), clips="some")
    with pytest.raises(UsageError, match="stride:N"):
        estimate(None, bright_model(), clips="some")  # type: ignore[arg-type]


def test_times_are_those_of_their_stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A clock that stands still, but while a video is decoded (2 s) or prepared (0.5 s)."""
    now = 0.0
    monkeypatch.setattr(ready, "time", SimpleNamespace(perf_counter=lambda: now))

    def takes(seconds: float, result: Any) -> Any:
        def work(*_: Any, **__: Any) -> Any:
            nonlocal now
            now += seconds
            return result

        return work

    cine = brightening(20)
    prepared = prepare(cine, SPEC)
    monkeypatch.setattr(ready, "prepare", takes(0.5, prepared))
    monkeypatch.setattr(ready, "read_cine", takes(2, cine))
    assert make_ready(cine, SPEC, None).timings_ms == {"preprocess": 500}
    assert read_ready(tmp_path, SPEC).timings_ms == {"decode": 2000, "preprocess": 500}
    monkeypatch.setattr(ready, "measure", takes(0.25, None))
    assert measure_prepared(cine, prepared, SPEC).timings_ms == {"preprocess": 250}


def test_the_users_rate_goes_before_the_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "read_cine", lambda *_: brightening(20, None))
    for given, listed, fps in ((None, 40.0, 40.0), (25.0, 40.0, 25.0), (None, None, None)):
        found = read_ready(Path("a.avi"), SPEC, fps=given, listed_fps=listed)
        assert found.facts.fps == fps
    resampled = read_ready(Path("a.avi"), SPEC, fps=25.0, handling=Handling(time="resample"))
    assert len(resampled.prepared.frames) == 39


def test_clips_are_answered_together_where_that_saves_a_fifth_of_the_work() -> None:
    # Two clips of 4 frames, 2 periods apart: 6 frames and 2 clips.
    starts, cost = np.array([0, 4]), SharedCost(frame=3.0, clip=5.0, fixed=2.0, plain=0.0)
    shared = 3 * 6 + 5 * 2 + 2
    for plain, together in ((1.25 * shared / 2, True), (1.24 * shared / 2, False)):
        blocks, left = split(starts, SPEC, replace(cost, plain=plain))
        assert (len(blocks), len(left)) == ((1, 0) if together else (0, 2))
        for block in blocks:
            assert (block.first, block.stop, block.starts.tolist()) == (0, 11, [0, 2])


def test_the_engine_for_shared_clips_is_loaded_when_first_used_and_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[Any] = []

    def load(*given: Any, **how: Any) -> Brightness:
        loaded.append((given, how))
        return Brightness()

    monkeypatch.setattr(module, "shares", lambda name, _: name == "brightness")
    monkeypatch.setattr(module, "load_shared", load)
    cost = SharedCost(frame=0.0, clip=0.0, fixed=0.0, plain=1.0)
    file = replace(bright_model().file, shared=SharedFile(Path("shared.onnx"), "1" * 64, cost))
    model = LoadedModel(file, Brightness(), threads=3)
    assert model.sharing is not None
    assert loaded == []
    for _ in range(2):
        assert estimate(brightening(20), model, clips="stride:4").clip_efs == (10, 14, 18, 22)
    assert loaded == [(("brightness", file), {"threads": 3, "cached": True})]


def test_a_block_has_16_clips_at_most_and_all_are_of_like_size() -> None:
    cheap = SharedCost(frame=0.0, clip=0.0, fixed=0.0, plain=1.0)
    for count, sizes in ((16, [16]), (17, [9, 8]), (33, [11, 11, 11])):
        blocks, _ = split(np.arange(count) * 4, SPEC, cheap)
        assert [len(block.places) for block in blocks] == sizes
    # Every fourth start shares states with the next of its own kind alone.
    blocks, _ = split(np.arange(8), SPEC, cheap)
    assert [block.places.tolist() for block in blocks] == [[0, 4], [1, 5], [2, 6], [3, 7]]
