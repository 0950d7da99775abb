"""`edgeecho infer --stream`: answers while a file is played, or while frames come on stdin."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from threading import Event
from types import FrameType

import typer

from edgeecho.cine import Limits, read_cine
from edgeecho.common.console import words
from edgeecho.common.errors import REFUSED_EXIT_CODE, UsageError
from edgeecho.common.files import sha256_file
from edgeecho.common.text import shown_name
from edgeecho.inference import LoadedModel
from edgeecho.preprocess import ClipMode, Handling, prepare
from edgeecho.report import to_text
from edgeecho.report.rolling import in_sum, to_json_line, to_text_line
from edgeecho.results import Answer, Outcome
from edgeecho.stream import Frames, Played, Player, Rolling, in_real_time, read_raw
from edgeecho.stream.sources import parse_size

STDIN = Path("-")


def stride_of(clips: str) -> ClipMode:
    """`--clips` as a stream takes it; `UsageError`."""
    mode = ClipMode.parse(clips)
    if mode.kind != "stride":
        raise UsageError(f"--clips {clips} needs the whole video: --stream takes stride:N")
    return mode


def check_source(
    videos: list[Path], frame_size: str | None, fps: float | None, table: Path | None
) -> Path:
    """The one thing to be played; `UsageError` where the options do not fit it."""
    if table is not None:
        raise UsageError("--stream gives text or --json: leave --csv, --html and --resume out")
    if len(videos) != 1 or videos[0].is_dir():
        raise UsageError("--stream takes one video, or - for frames on stdin")
    if videos[0] != STDIN:
        if frame_size is not None:
            raise UsageError("--frame-size is for raw frames on stdin: leave it out")
    elif frame_size is None or fps is None:
        raise UsageError(
            "raw RGB frames on stdin say neither size nor rate: give --frame-size WxH and --fps"
        )
    return videos[0]


def stream(
    source: Path,
    model: LoadedModel,
    mode: ClipMode,
    over_s: float,
    handling: Handling,
    fps: float | None,
    frame_size: str | None,
    limits: Limits,
    json: bool,
    show_refused: bool,
) -> None:
    """Print an update every N frames, and what it all comes to. Ctrl-C ends it in good order."""
    stop = Event()
    spec = model.file.preprocess
    if source == STDIN:
        assert frame_size is not None
        assert fps is not None
        width, height = parse_size(frame_size)
        limits.check_size("--frame-size", height, width)
        raw = FileIO(sys.stdin.fileno(), closefd=False)
        frames = read_raw(raw, width, height, fps, handling, spec)
        name, digest = "stdin", None
    else:
        cine = read_cine(source, limits)
        cine = cine if fps is None else cine.at_rate(fps)
        frames = in_real_time(cine, prepare(cine, spec, handling, limits), stop)
        name = shown_name(source)
        digest = sha256_file(source)

    def show(played: Played) -> Outcome:
        answer = Answer.of(played.update.estimate, show_refused=show_refused)
        outcome = Outcome(name, answer, digest)
        if json:
            typer.echo(to_json_line(outcome, played))
        elif not played.update.end:
            typer.echo(to_text_line(answer, played))
        sys.stdout.flush()
        return outcome

    player = _player(model, frames, mode, over_s)
    latest = 0.0
    with _interruptible():
        try:
            for played in player.play():
                latest = max(latest, played.behind_s)
                show(played)
        except KeyboardInterrupt:
            stop.set()
            words.print("stopped: the last answer is of the frames so far")
    played = player.finish()
    outcome = show(played)
    if not json:
        typer.echo(f"\n{to_text([outcome])}")
    words.print(in_sum(played, latest))
    if outcome.status == "refused":
        sys.exit(REFUSED_EXIT_CODE)


def _player(model: LoadedModel, frames: Frames, mode: ClipMode, over_s: float) -> Player:
    return Player(Rolling(model, frames.origin, frames.prepared, mode, over_s), frames)


@contextmanager
def _interruptible() -> Iterator[None]:
    """A service is stopped by SIGTERM: the same as Ctrl-C."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
