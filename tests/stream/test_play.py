"""Frames on one thread, answers on another; and the command that plays."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from edgeecho.bundle import EXAMPLE
from edgeecho.cine import read_cine
from edgeecho.common.errors import InputError
from edgeecho.inference import load_model
from edgeecho.preprocess import ClipMode, prepare
from edgeecho.report.structured import schema_text
from edgeecho.stream import FrameStream, Player, Rolling
from edgeecho.stream.sources import Timed

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NARROW = ROOT / "models" / "narrow" / "bundle"
RUN = [sys.executable, "-m", "edgeecho", "stream"]
RAW = ["-", "--frame-size", "112x112", "--fps", "50"]


def player(coming: Iterator[Timed], stride: int = 4) -> Player:
    model, cine = load_model(NARROW), read_cine(EXAMPLE)
    prepared = prepare(cine, model.file.preprocess)
    rolling = Rolling(model, cine, prepared, ClipMode("stride", stride))
    return Player(rolling, FrameStream(cine, prepared, coming))


def frames() -> Iterator[Timed]:
    cine = read_cine(EXAMPLE)
    yield from zip(cine.frames, cine.timestamps_s.tolist(), strict=True)


def test_an_engine_that_is_behind_loses_whole_updates_and_says_how_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = player(frames())  # all at once: no engine keeps up
    asked: list[list[int]] = []
    answer = slow.rolling.answer

    def watched(starts: list[int]) -> Any:
        asked.append(starts)
        return answer(starts)

    monkeypatch.setattr(slow.rolling, "answer", watched)
    played = list(slow.play())
    end = slow.finish()
    clips = (100 - 63) // 4 + 1
    assert len(played) + end.dropped == clips
    assert end.dropped > 0
    assert end.answered == len(played) == played[-1].answered
    assert max(map(len, asked)) <= slow.most_pending
    seen = [item.update.frames for item in played]
    assert seen == sorted(set(seen))
    assert seen[-1] == 63 + 4 * (clips - 1), "the newest is never the one that is dropped"
    assert all(item.behind_s >= 0 for item in played)


def test_what_the_source_raises_is_raised_where_answers_are_awaited() -> None:
    def broken() -> Iterator[Timed]:
        yield next(frames())
        raise InputError("the probe was unplugged")

    with pytest.raises(InputError, match="unplugged"):
        list(player(broken()).play())


def test_a_file_that_is_played_gives_the_numbers_of_the_file(edgeecho: Any) -> None:
    begin = time.monotonic()
    done = edgeecho("stream", EXAMPLE, "--json")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begin > 99 / 35.3, "it is played in real time"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        jsonschema.validate(line, json.loads(schema_text()))
        assert "not for diagnosis" in line["research_use"]
    *updates, last = lines
    assert [line["stream"]["end"] for line in lines] == [False] * len(updates) + [True]
    assert len(updates) == last["stream"]["answered"]
    direct = json.loads(edgeecho("infer", EXAMPLE, "--json").stdout)["results"][0]
    (result,) = last["results"]
    assert result["clip_efs"] == pytest.approx(direct["clip_efs"], abs=1e-3)
    for name in ("clip_starts", "video", "warnings", "sha256", "status"):
        assert result[name] == direct[name], name


def test_raw_frames_on_stdin() -> None:
    cine = read_cine(EXAMPLE)
    data = cine.frames.tobytes() + b"part of a frame"
    done = subprocess.run([*RUN, *RAW], input=data, capture_output=True)
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "the last frame is cut off (15 of 37632 bytes)" in done.stderr.decode()
    assert "Research use only" in text
    assert "  EF  " in text.splitlines()[0]

    large = np.repeat(np.repeat(cine.frames, 3, axis=1), 3, axis=2)
    words = ["-", "--frame-size", "336x336", "--fps", "50", "--json"]
    done = subprocess.run([*RUN, *words], input=large.tobytes(), capture_output=True)
    last = json.loads(done.stdout.decode().splitlines()[-1])
    video = last["results"][0]["video"]
    assert (video["width"], last["stream"]["frames"]) == (336, 100)
    assert video["area"] == "found in the frames"


def test_it_stops_in_good_order() -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen([*RUN, *RAW], env=environment, **pipes)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(read_cine(EXAMPLE).frames[:80].tobytes())
    process.stdin.flush()
    assert b" s  EF " in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    # Not communicate(): it closes stdin, and that is the end of the stream.
    text, errors = process.stdout.read().decode(), process.stderr.read().decode()
    assert process.wait(timeout=60) == 0, errors
    assert "stopped: the last answer is of the frames so far" in errors
    assert "Research use only" in text


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-", "--fps", "50"], 2, "say neither size nor rate: give --frame-size WxH and --fps"),
        (["-", "--frame-size", "9x9"], 2, "give --frame-size WxH and --fps"),
        (["-", "--frame-size", "112", "--fps", "50"], 2, "'112' is no size"),
        (["-", "--frame-size", "9999x9999", "--fps", "50"], 3, "over the limit of 16777216"),
        ([EXAMPLE, "--frame-size", "9x9"], 2, "is for raw frames on stdin: leave it out"),
        ([EXAMPLE, "--fps", "0"], 2, "--fps 0 is no frame rate"),
        ([EXAMPLE.parent], 3, f"{EXAMPLE.parent.name} is a folder: a file was expected"),
    ],
)
def test_what_does_not_fit_is_one_line_before_a_model_is_opened(
    edgeecho: Any, tmp_path: Path, words: list[Any], code: int, said: str
) -> None:
    done = edgeecho("stream", *words, "--model", tmp_path / "absent")
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_it_has_only_the_options_that_a_stream_can_have(edgeecho: Any) -> None:
    shown = edgeecho("stream", "--help").stdout
    mine = set(re.findall(r"^│ (--[a-z-]+)", shown, re.MULTILINE))
    assert mine == {
        *("--frame-size", "--stride", "--over", "--model", "--engine", "--precision", "--threads"),
        *("--fps", "--time", "--crop", "--no-crop", "--max-frames", "--max-pixels", "--max-mb"),
        *("--views", "--json", "--show-refused", "--help"),
    }
    for word in ("--stream", "--over", "--frame-size"):
        assert edgeecho("infer", EXAMPLE, word).returncode == 2, "infer answers whole files"


def test_options_reach_the_answers(edgeecho: Any) -> None:
    words = ("--fps", "100", "--time", "native", "--stride", "8", "--over", "1", "--no-crop")
    lines = edgeecho("stream", EXAMPLE, *words, "--json").stdout.splitlines()
    *updates, last = [json.loads(line) for line in lines]
    starts = [line["results"][0]["clip_starts"] for line in updates]
    # Of the last 100 frames, and the video has 100: clips of 63 frames.
    assert starts[-1] == [0, 8, 16, 24, 32]
    assert last["results"][0]["clip_starts"] == starts[-1]
    assert last["results"][0]["video"]["fps"] == 100
    words = ("--model", NARROW, "--precision", "int8")
    assert edgeecho("stream", EXAMPLE, *words).returncode == 4, "the bundle has none"


def test_a_stream_that_a_gate_refuses_says_why_and_exits_with_5() -> None:
    still = read_cine(EXAMPLE).frames[:1].repeat(70, axis=0).tobytes()
    done = subprocess.run([*RUN, *RAW], input=still, capture_output=True)
    text = done.stdout.decode()
    assert done.returncode == 5, done.stderr
    assert "refused: frozen: nothing in this video moves as a heart does" in text.splitlines()[0]
    assert " EF " not in text
    shown = subprocess.run([*RUN, *RAW, "--show-refused"], input=still, capture_output=True)
    assert shown.returncode == 5
    assert "shown although refused: EF " in shown.stdout.decode().splitlines()[0]
