"""Updates are what `estimate` says of the frames so far."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeecho.bundle import EXAMPLE
from edgeecho.cine import Cine, read_cine
from edgeecho.common.errors import InputError
from edgeecho.inference import EFEstimate, LoadedModel, estimate, load_model
from edgeecho.preprocess import ClipMode, Handling, prepare
from edgeecho.stream import Rolling, Update

pytestmark = pytest.mark.slow

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(NARROW, threads=1)


@pytest.fixture(scope="module")
def cine() -> Cine:
    return read_cine(EXAMPLE)


def rolled(
    model: LoadedModel, cine: Cine, stride: int, time: str, over_s: float | None = None
) -> list[Update]:
    """Every update of a video whose frames come one by one, each asked for at once."""
    prepared = prepare(cine, model.file.preprocess, Handling(time=time))
    rolling = Rolling(model, cine, prepared, ClipMode("stride", stride), over_s)
    updates = []
    for frame, stamp in zip(prepared.fitted, cine.timestamps_s.tolist(), strict=True):
        updates += rolling.answer(rolling.add(frame, stamp))
    return [*updates, rolling.finish()]


def all_due(rolling: Rolling, cine: Cine) -> list[int]:
    stamps = cine.timestamps_s.tolist()
    pairs = zip(cine.frames, stamps, strict=True)
    return [start for frame, stamp in pairs for start in rolling.add(frame, stamp)]


def same(one: EFEstimate, other: EFEstimate) -> None:
    assert one.ef == pytest.approx(other.ef, abs=1e-3)
    assert one.clip_efs == pytest.approx(other.clip_efs, abs=1e-3)
    for name in ("clip_starts", "clip_times_s", "clips", "warnings", "video", "refusals"):
        assert getattr(one, name) == getattr(other, name), name


@settings(max_examples=6, deadline=None)
@given(
    frames=st.integers(20, 90),
    stride=st.sampled_from([9, 16, 40]),
    time=st.sampled_from(["native", "resample"]),
)
def test_the_last_answer_is_that_of_the_file(
    model: LoadedModel, cine: Cine, frames: int, stride: int, time: str
) -> None:
    cut = replace(cine, frames=cine.frames[:frames], timestamps_s=cine.timestamps_s[:frames])
    updates = rolled(model, cut, stride, time)
    assert [update.end for update in updates] == [False] * (len(updates) - 1) + [True]
    direct = estimate(cut, model, clips=f"stride:{stride}", handling=Handling(time=time))
    same(updates[-1].estimate, direct)


def test_each_update_is_the_answer_for_the_frames_before_it(model: LoadedModel, cine: Cine) -> None:
    updates = rolled(model, cine, 16, "native")[:-1]
    assert [update.frames for update in updates] == [63, 79, 95]
    for update in updates:
        seen = slice(0, update.frames)
        so_far = replace(cine, frames=cine.frames[seen], timestamps_s=cine.timestamps_s[seen])
        estimated = estimate(so_far, model, clips="stride:16")
        same(update.estimate, estimated)
        assert update.time_s == pytest.approx((update.frames - 1) / cine.fps, abs=1e-3)


def test_a_window_forgets_what_came_before_it(model: LoadedModel, cine: Cine) -> None:
    *_, last = rolled(model, cine, 4, "native", 80 / cine.fps)
    begin = len(cine.frames) - 80
    window = replace(cine, frames=cine.frames[begin:], timestamps_s=cine.timestamps_s[:80])
    direct = estimate(window, model, clips="stride:4")
    assert last.estimate.clip_starts == tuple(s + begin for s in direct.clip_starts)
    assert last.estimate.clip_efs == pytest.approx(direct.clip_efs, abs=1e-3)
    assert last.estimate.video == direct.video


def test_a_long_stream_takes_no_more_memory_than_its_window(model: LoadedModel, cine: Cine) -> None:
    prepared = prepare(cine, model.file.preprocess, Handling(time="resample"))
    rolling = Rolling(model, cine, prepared, ClipMode("stride", 64), over_s=2)
    for number in range(600):
        frame = prepared.fitted[number % len(prepared.fitted)]
        rolling.answer(rolling.add(frame, number / 40))
        assert len(rolling._frames) <= 2 * 40 + 90
        assert len(rolling._places) <= 2 * 52 + 120


def test_clips_that_nobody_waited_for_are_left_out(model: LoadedModel, cine: Cine) -> None:
    prepared = prepare(cine, model.file.preprocess)
    rolling = Rolling(model, cine, prepared, ClipMode("stride", 8))
    due = all_due(rolling, cine)
    rolling.answer(due[-2:])
    assert list(rolling.finish().estimate.clip_starts) == due[-2:]


def test_clips_that_wait_together_are_answered_together(model: LoadedModel, cine: Cine) -> None:
    prepared = prepare(cine, model.file.preprocess)
    rolling = Rolling(model, cine, prepared, ClipMode("stride", 4))
    due = all_due(rolling, cine)
    last = rolling.answer(due)[-1].estimate
    assert last.clips_shared == len(due)
    direct = estimate(cine, model, clips="stride:4")
    assert last.clip_efs == pytest.approx(direct.clip_efs, abs=1e-3)


def test_no_frame_is_an_error(model: LoadedModel, cine: Cine) -> None:
    prepared = prepare(cine, model.file.preprocess)
    with pytest.raises(InputError, match="no frame came"):
        Rolling(model, cine, prepared, ClipMode("stride", 16)).finish()


@pytest.mark.parametrize("answered", [3, 2, 0])
def test_the_final_answer_has_a_clip_where_none_lies_in_the_last_seconds(
    model: LoadedModel, cine: Cine, answered: int
) -> None:
    """Of 100 frames the last 63 begin at 37, clips at 0, 16 and 32; the engine may be behind."""
    prepared = prepare(cine, model.file.preprocess)
    rolling = Rolling(model, cine, prepared, ClipMode("stride", 16), 1.0)
    due = all_due(rolling, cine)
    assert due == [0, 16, 32]
    updates = rolling.answer(due[:answered])
    end = rolling.finish().estimate
    last = due[answered - 1] if answered else 32
    assert end.clip_starts == (last,)
    if updates:
        assert end.ef == updates[-1].estimate.clip_efs[-1]
    assert 0 < end.ef < 100
