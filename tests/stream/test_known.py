"""Streams of frames whose clips have known EFs: every update, what is kept, and when."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from brightness import SPEC, bright_model, brightening

from edgeecho.cine import Cine, Region
from edgeecho.common.errors import InputError, UsageError
from edgeecho.inference import EFEstimate, estimate
from edgeecho.preprocess import ClipMode, Handling, prepare
from edgeecho.stream import Player, Rolling, Update, rolling, sources
from edgeecho.stream.sources import in_real_time, parse_size, read_raw


def roll(cine: Cine, stride: int, time: str, over_s: float | None = None) -> list[Update]:
    prepared = prepare(cine, SPEC, Handling(time=time))
    rolled = Rolling(bright_model(), cine, prepared, ClipMode("stride", stride), over_s)
    updates = []
    for frame, stamp in zip(prepared.fitted, cine.timestamps_s.tolist(), strict=True):
        updates += rolled.answer(rolled.add(frame, stamp))
    return [*updates, rolled.finish()]


def part(cine: Cine, begin: int, end: int) -> Cine:
    stamps = cine.timestamps_s[begin:end]
    return replace(cine, frames=cine.frames[begin:end], timestamps_s=stamps - stamps[0])


def same(one: EFEstimate, other: EFEstimate, later: int = 0) -> None:
    """`later`: frames by which the first counts from further back."""
    assert one.clip_starts == tuple(start + later for start in other.clip_starts)
    for name in ("ef", "clip_efs", "clips", "warnings", "video", "refusals"):
        assert getattr(one, name) == getattr(other, name), name


@pytest.mark.parametrize("stride", [1, 3, 16])
@pytest.mark.parametrize("count", [2, 6, 7, 8, 9, 24])
def test_by_index_each_update_is_the_answer_to_the_frames_so_far(count: int, stride: int) -> None:
    cine = brightening(count)
    *updates, last = roll(cine, stride, "native")
    assert [u.frames for u in updates] == list(range(7, count + 1, stride))
    for update in updates:
        assert not update.end
        assert update.time_s == pytest.approx((update.frames - 1) / 50)
        if update.frames == 7:  # the published padding gives a file of one clip a second one
            assert update.estimate.clip_efs == (10,)
            continue
        so_far = part(cine, 0, update.frames)
        same(update.estimate, estimate(so_far, bright_model(), clips=f"stride:{stride}"))
    assert (last.end, last.frames) == (True, count)
    assert last.time_s == pytest.approx((count - 1) / 50)
    same(last.estimate, estimate(cine, bright_model(), clips=f"stride:{stride}"))


@pytest.mark.parametrize("fps", [25.0, 40.0, 50.0, 80.0])
def test_resampled_the_last_update_is_the_answer_to_the_file(fps: float) -> None:
    cine = brightening(30, fps)
    *updates, last = roll(cine, 4, "resample")
    direct = estimate(cine, bright_model(), clips="stride:4", handling=Handling(time="resample"))
    same(last.estimate, direct)
    assert last.estimate.clip_times_s == pytest.approx(direct.clip_times_s)
    assert [u.estimate.clip_efs[-1] for u in updates] == list(direct.clip_efs)[: len(updates)]
    for update in updates:
        assert update.time_s == pytest.approx((update.frames - 1) / 50)


def test_a_resampled_frame_is_final_once_one_came_that_is_not_before_it() -> None:
    cine = brightening(10, 40.0)
    prepared = prepare(cine, SPEC, Handling(time="resample"))
    rolled = Rolling(bright_model(), cine, prepared, ClipMode("stride", 1))
    counts, due = [], []
    for frame, stamp in zip(prepared.fitted, cine.timestamps_s.tolist(), strict=True):
        due.append(rolled.add(frame, stamp))
        counts.append(rolled.count)
    # At 0, 25, 50, 75 ... ms there are those of 0, 20, 40, 60 ... ms.
    assert counts == [1, 2, 3, 4, 6, 7, 8, 9, 11, 12]
    assert due == [[], [], [], [], [], [0], [1], [2], [3, 4], [5]]


@pytest.mark.parametrize(("seconds", "frames"), [(0.2, 10), (0.01, 7), (0.14, 7), (0.16, 8)])
def test_over_some_seconds_an_update_covers_these_and_at_least_a_clip(
    seconds: float, frames: int
) -> None:
    cine = brightening(25)
    *updates, last = roll(cine, 1, "native", seconds)
    for update in [*updates, last]:
        begin = max(update.frames - frames, 0)
        seen = update.estimate
        assert seen.clip_starts == tuple(range(begin, update.frames - 6))
        assert seen.clip_efs == tuple(10 + start for start in seen.clip_starts)
        assert seen.clip_times_s == pytest.approx([start / 50 for start in seen.clip_starts])
        assert seen.video.frames == update.frames - begin
        if update.frames - begin > 7:
            direct = estimate(part(cine, begin, update.frames), bright_model(), clips="stride:1")
            same(seen, direct, begin)


def test_what_is_before_the_window_is_not_kept() -> None:
    cine = brightening(200)
    prepared = prepare(cine, SPEC)
    rolled = Rolling(bright_model(), cine, prepared, ClipMode("stride", 1), 0.2)
    for frame, stamp in zip(prepared.fitted, cine.timestamps_s.tolist(), strict=True):
        rolled.answer(rolled.add(frame, stamp))
        assert len(rolled._frames) <= 10
        assert len(rolled._rows) <= 10
    assert rolled.count == 200


def test_a_window_in_seconds_needs_a_rate() -> None:
    cine = brightening(20, None)
    with pytest.raises(InputError, match="give it with --fps"):
        Rolling(bright_model(), cine, prepare(cine, SPEC), ClipMode("stride", 1), 1.0)


def test_frames_that_a_file_misses_count_at_its_end_alone() -> None:
    cine = replace(brightening(20), missing=12)
    *updates, last = roll(cine, 1, "native")
    gates = [[r.gate for r in update.estimate.refusals] for update in (*updates, last)]
    # The update at its 20th frame is of the whole file already.
    assert ["few-frames-decoded" in found for found in gates] == [False] * 13 + [True] * 2


def test_times_of_clips_that_ran_together_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    run_clips = rolling.run_clips
    monkeypatch.setattr(
        rolling, "run_clips", lambda *a: replace(run_clips(*a), cut_ms=10.0, engine_ms=30.0)
    )
    measure = rolling.measure_prepared
    monkeypatch.setattr(
        rolling,
        "measure_prepared",
        lambda *a: replace(measure(*a), timings_ms={"preprocess": 100.0}),
    )
    cine = brightening(9)
    prepared = prepare(cine, SPEC)
    rolled = Rolling(bright_model(), cine, prepared, ClipMode("stride", 1))
    due = []
    for frame, stamp in zip(prepared.fitted, cine.timestamps_s.tolist(), strict=True):
        due += rolled.add(frame, stamp)
    assert due == [0, 1, 2]
    for update in rolled.answer(due[:2]):
        assert update.estimate.timings_ms == {"preprocess": 105.0, "engine": 15.0}
    (third,) = rolled.answer(due[2:])
    assert third.estimate.timings_ms == {"preprocess": 110.0, "engine": 30.0}
    assert rolled.answer([]) == []
    last = rolled.finish().estimate
    assert (last.timings_ms, last.clips_shared) == ({"preprocess": 100.0, "engine": 0.0}, 0)


def test_clips_that_wait_together_give_the_updates_that_each_would_give() -> None:
    cine = brightening(24)
    prepared = prepare(cine, SPEC)
    rolled = Rolling(bright_model(), cine, prepared, ClipMode("stride", 1))
    due = []
    for frame, stamp in zip(prepared.fitted, cine.timestamps_s.tolist(), strict=True):
        due += rolled.add(frame, stamp)
    alone = roll(cine, 1, "native")[:-1]
    for update, one in zip(rolled.answer(due), alone, strict=True):
        assert (update.frames, update.time_s) == (one.frames, one.time_s)
        same(update.estimate, one.estimate)


def test_the_final_answer_runs_no_clip_that_it_does_not_need() -> None:
    cine = brightening(40)
    prepared = prepare(cine, SPEC)
    rolled = Rolling(bright_model(), cine, prepared, ClipMode("stride", 16), 0.2)
    for frame, stamp in zip(prepared.fitted, cine.timestamps_s.tolist(), strict=True):
        rolled.add(frame, stamp)
    assert rolled.finish().estimate.clip_starts == (32,)
    assert list(rolled._rows) == [32]


class Waits:
    """A `Rolling` that takes frames by number, of which every one completes a clip."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def add(self, frame: int, time_s: float) -> list[int]:
        return [frame]

    def answer(self, starts: list[int]) -> list[int]:
        self.asked.append(starts)
        return starts

    def finish(self) -> str:
        return "end"


def test_of_more_than_four_that_wait_the_oldest_are_dropped() -> None:
    waits = Waits()
    player = Player(waits, None)  # type: ignore[arg-type]
    for number in range(7):
        player._queue.put((100.0, (number, 0.0)))  # type: ignore[arg-type]
    player._queue.put((100.0, None))
    player._read = lambda: None  # type: ignore[method-assign]
    played = list(player.play())
    assert waits.asked == [[3, 4, 5, 6]]
    assert [(p.update, p.answered, p.dropped) for p in played] == [
        (3, 1, 3), (4, 2, 3), (5, 3, 3), (6, 4, 3),
    ]  # fmt: skip
    assert all(p.behind_s == pytest.approx(time.monotonic() - 100, abs=5) for p in played)
    end = player.finish()
    assert (end.update, end.answered, end.dropped) == ("end", 4, 3)
    assert 0 <= end.behind_s < 5


def test_four_that_wait_are_answered_all() -> None:
    waits = Waits()
    player = Player(waits, None)  # type: ignore[arg-type]
    player._read = lambda: None  # type: ignore[method-assign]
    for number in range(4):
        player._queue.put((0.0, (number, 0.0)))  # type: ignore[arg-type]
    player._queue.put((0.0, None))
    assert [p.dropped for p in player.play()] == [0] * 4


def test_a_source_that_is_faster_than_everything_has_to_wait() -> None:
    stream: Any = SimpleNamespace(coming=((number, 0.0) for number in range(5000)))
    player = Player(Waits(), stream)  # type: ignore[arg-type]
    Thread(target=player._read, daemon=True).start()
    while not player._queue.full():
        time.sleep(0.001)
    assert player._queue.qsize() == 4096
    assert len(list(iter(lambda: player._queue.get()[1], None))) == 5000


def test_a_source_that_ends_or_fails_ends_the_play() -> None:
    def coming() -> Iterator[Any]:
        yield 1, 0.0
        yield 2, 0.0

    player = Player(Waits(), SimpleNamespace(coming=coming()))  # type: ignore[arg-type]
    assert [p.update for p in player.play()] == [1, 2]

    def failing() -> Iterator[Any]:
        yield 1, 0.0
        raise InputError("unplugged")

    stream: Any = SimpleNamespace(coming=failing())
    with pytest.raises(InputError, match="unplugged"):
        list(Player(Waits(), stream).play())  # type: ignore[arg-type]


class Stop:
    """An event that is never set, on a clock that its waits move."""

    def __init__(self) -> None:
        self.now, self.waits = 1000.0, list[float]()

    def wait(self, seconds: float) -> bool:
        self.waits.append(round(seconds, 6))
        self.now += seconds
        return False


def test_each_frame_of_a_file_comes_at_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stop: Any = Stop()
    monkeypatch.setattr(sources, "time", SimpleNamespace(monotonic=lambda: stop.now))
    cine = brightening(4, 20.0)
    stamps = []
    for _, stamp in in_real_time(cine, prepare(cine, SPEC), stop).coming:
        stamps.append(round(stamp, 6))
        if len(stamps) == 2:
            stop.now += 0.07  # whoever takes them was slow: the next is due already
    assert stamps == [0, 0.05, 0.1, 0.15]
    assert stop.waits == [0, 0.05, 0, 0.03]


def test_a_file_is_played_until_it_is_stopped() -> None:
    cine, stop = brightening(4, 20.0), Event()
    came = []
    for frame, _ in in_real_time(cine, prepare(cine, SPEC), stop).coming:
        came.append(int(frame[0, 0, 0]))
        if len(came) == 3:
            stop.set()
    assert came == [10, 11, 12]
    unknown = brightening(4, None)
    with pytest.raises(InputError, match="give the frame rate with --fps"):
        in_real_time(unknown, prepare(unknown, SPEC), stop)


class Pipe(io.RawIOBase):
    """Gives its bytes in pieces of 100."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def readinto(self, buffer: Any) -> int:
        piece = self.data[self.at : self.at + min(100, len(buffer))]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


def raw(count: int, size: int) -> bytes:
    greys = np.arange(10, 10 + count)[:, None, None, None]
    return np.broadcast_to(greys, (count, size, size, 3)).astype(np.uint8).tobytes()


def test_raw_frames_of_the_models_size_come_from_the_first_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipe = Pipe(raw(5, 8) + b"part of a frame")
    stream = read_raw(pipe, 8, 8, 20.0, Handling(), SPEC)
    assert pipe.at == 8 * 8 * 3, "it waits for the first frame and no other"
    assert len(stream.origin.frames) == 1
    assert (stream.origin.fps, stream.origin.fps_source) == (20.0, "--fps")
    assert [(int(f[0, 0, 0]), t) for f, t in stream.coming] == [
        (10 + n, n / 20) for n in range(5)
    ]  # fmt: skip
    assert capsys.readouterr().err == ("the last frame is cut off (15 of 192 bytes) and left out\n")


@pytest.mark.parametrize(
    ("handling", "first"),
    [
        (Handling(), 15),
        (Handling(find_sector=False), 1),
        (Handling(crop=Region(4, 4, 8, 8)), 1),
    ],
)
def test_of_another_size_a_second_and_a_half_are_looked_at_for_a_sector(
    handling: Handling, first: int
) -> None:
    pipe = Pipe(raw(20, 16))
    stream = read_raw(pipe, 16, 16, 10.0, handling, SPEC)
    assert pipe.at == first * 16 * 16 * 3
    assert len(stream.origin.frames) == first
    frames = list(stream.coming)
    assert [t for _, t in frames] == [n / 10 for n in range(20)]
    assert {f.shape for f, _ in frames} == {(8, 8, 3)}


def test_whole_frames_end_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(list(read_raw(Pipe(raw(3, 8)), 8, 8, 20.0, Handling(), SPEC).coming)) == 3
    assert capsys.readouterr().err == ""
    with pytest.raises(InputError, match="no frame came"):
        read_raw(Pipe(b""), 8, 8, 20.0, Handling(), SPEC)


def test_a_size_is_two_numbers_above_0() -> None:
    assert parse_size("640x480") == (640, 480)
    assert parse_size("1x1") == (1, 1)
    for text in ("", "640", "640x", "x480", "0x480", "640x0", "-1x1", "640x480x3", "1.5x2"):
        with pytest.raises(UsageError, match="is no size"):
            parse_size(text)
