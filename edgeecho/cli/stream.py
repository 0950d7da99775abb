"""`edgeecho infer --stream`: answers while a file plays or frames arrive on stdin."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from threading import Event
from types import FrameType

import typer

from edgeecho.cine import read_cine
from edgeecho.cli.options.answer import Choices
from edgeecho.cli.options.reports import BESIDE, CHOSEN, ReportOptions
from edgeecho.cli.options.run import BatchOptions, StreamOptions
from edgeecho.common.console import words
from edgeecho.common.errors import REFUSED_EXIT_CODE, UsageError
from edgeecho.common.files import sha256_file
from edgeecho.common.text import shown_name
from edgeecho.preprocess import PreprocessSpec, prepare
from edgeecho.report.stream import in_sum, to_json_line, to_text_line
from edgeecho.report.text import to_text
from edgeecho.results import Answer, Outcome
from edgeecho.stream import FrameStream, Played, Player, Rolling, in_real_time, read_raw
from edgeecho.stream.sources import parse_size

STDIN = Path("-")
# Each has a writer of updates in `edgeecho.report.stream`.
_FORMATS = ("text", "json")


def stream(
    videos: Sequence[Path],
    choices: Choices,
    reports: ReportOptions,
    streaming: StreamOptions,
    batch: BatchOptions,
) -> None:
    """Print an update every N frames and a summary. Ctrl-C ends it properly."""
    _check_options(choices, reports, batch)
    source = _source(videos, streaming.frame_size, choices.fps)
    json = reports.choose().name == "json"
    model = choices.engine.load()
    stop = Event()
    if source == STDIN:
        frames = _read_stdin(streaming.frame_size, choices, model.file.preprocess)
        name, digest = "stdin", None
    else:
        frames = _read_file(source, choices, model.file.preprocess, stop)
        name, digest = shown_name(source), sha256_file(source)

    def show(played: Played) -> Outcome:
        answer = Answer.of(played.update.estimate, show_refused=reports.show_refused)
        outcome = Outcome(name, answer, digest)
        if json:
            typer.echo(to_json_line(outcome, played))
        elif not played.update.end:
            typer.echo(to_text_line(answer, played))
        sys.stdout.flush()
        return outcome

    rolling = Rolling(model, frames.origin, frames.prepared, choices.mode, streaming.over)
    player = Player(rolling, frames)
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


def _check_options(choices: Choices, reports: ReportOptions, batch: BatchOptions) -> None:
    if batch.workers:
        raise UsageError("--stream plays one video: leave --workers out")
    if reports.choose().name not in _FORMATS or reports.out:
        others = " or ".join(f.name for f in CHOSEN if f.name not in _FORMATS)
        raise UsageError(f"--stream writes text or JSON: leave --format {others} out")
    if choices.mode.kind != "stride":
        raise UsageError(
            f"--clips {choices.engine.clips} needs the whole video: --stream takes stride:N"
        )
    if reports.beside() or batch.resume:
        others = ", ".join(f"--{form.name}" for form in BESIDE)
        raise UsageError(f"--stream gives text or --json: leave {others} and --resume out")


def _source(videos: Sequence[Path], frame_size: str | None, fps: float | None) -> Path:
    """The one video to play; `UsageError` if the options do not fit it."""
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


def _read_stdin(frame_size: str | None, choices: Choices, spec: PreprocessSpec) -> FrameStream:
    assert frame_size is not None
    assert choices.fps is not None
    width, height = parse_size(frame_size)
    choices.limits.check_size("--frame-size", height, width)
    raw = FileIO(sys.stdin.fileno(), closefd=False)
    return read_raw(raw, width, height, choices.fps, choices.handling, spec)


def _read_file(source: Path, choices: Choices, spec: PreprocessSpec, stop: Event) -> FrameStream:
    cine = read_cine(source, choices.limits)
    cine = cine if choices.fps is None else cine.at_rate(choices.fps)
    return in_real_time(cine, prepare(cine, spec, choices.handling, choices.limits), stop)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Treat SIGTERM, which stops a service, like Ctrl-C."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
