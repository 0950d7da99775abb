"""`edgeecho stream`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeecho.cli.options.answer import (
    EngineName,
    LimitOptions,
    Model,
    Precision,
    Threads,
    VideoOptions,
)
from edgeecho.cli.options.groups import with_groups

if TYPE_CHECKING:
    from edgeecho.cine import DecodeLimits
    from edgeecho.inference import LoadedModel

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

STDIN = Path("-")


@app.command()
@with_groups
def stream(
    *,
    video: Annotated[
        Path,
        typer.Argument(metavar="VIDEO|-", help="Video or DICOM cine; -: raw RGB frames on stdin."),
    ],
    frame_size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Of raw frames on stdin, in pixels.")
    ] = None,
    stride: Annotated[
        int, typer.Option(min=1, help="An answer every so many frames, at the model's frame rate.")
    ] = 16,
    over: Annotated[
        float, typer.Option(min=1, help="It is of the clips in the last so many seconds.")
    ] = 10.0,
    model: Model = None,
    engine: EngineName = "auto",
    precision: Precision = None,
    threads: Threads = 0,
    wishes: VideoOptions,
    limits: LimitOptions,
    json: Annotated[bool, typer.Option("--json", help="A JSON document a line.")] = False,
    show_refused: Annotated[
        bool,
        typer.Option("--show-refused", help="Show refused EFs too, marked, with their reasons."),
    ] = False,
) -> None:
    """EF while a video plays, or while another program sends frames.

    Research use only, not for diagnosis. A line for each answer; at the end, after Ctrl-C or
    SIGTERM too, the last one in full. Exit code 5: a gate refused the last one.
    """
    from io import FileIO
    from threading import Event

    from edgeecho.cine import read_cine
    from edgeecho.cli.stream import Show, play
    from edgeecho.common.console import words
    from edgeecho.common.errors import REFUSED_EXIT_CODE, UsageError
    from edgeecho.common.files import sha256_file
    from edgeecho.common.text import shown_name
    from edgeecho.inference import load_model
    from edgeecho.preprocess import ClipMode, prepare
    from edgeecho.stream import Player, Rolling, in_real_time, read_raw

    def load() -> LoadedModel:
        # A beat is whole only after its end, and masks of every frame would delay each answer.
        loaded = load_model(model, engine=engine, precision=precision, threads=threads, beats=None)
        if loaded.file.segmentation is not None:
            words.print("beats are not traced while frames arrive: `edgeecho infer` traces them")
        return loaded

    handling, at_most, stop = wishes.handling(), limits.limits(), Event()
    if video == STDIN:
        # Before the model is loaded, so that typing errors are reported at once.
        width, height, fps = _raw_frames(frame_size, wishes.fps, at_most)
        loaded = load()
        raw = FileIO(sys.stdin.fileno(), closefd=False)
        frames = read_raw(raw, width, height, fps, handling, loaded.file.preprocess)
        show = Show("stdin", None, json=json, show_refused=show_refused)
    else:
        if frame_size is not None:
            raise UsageError("--frame-size is for raw frames on stdin: leave it out")
        cine = read_cine(video, at_most, handling.views)
        cine = cine if wishes.fps is None else cine.at_rate(wishes.fps)
        loaded = load()
        prepared = prepare(cine, loaded.file.preprocess, handling, at_most)
        frames = in_real_time(cine, prepared, stop)
        show = Show(shown_name(video), sha256_file(video), json=json, show_refused=show_refused)
    mode = ClipMode("stride", stride)
    rolling = Rolling(loaded, frames.origin, frames.prepared, mode, over)
    if play(Player(rolling, frames), show, stop).status == "refused":
        sys.exit(REFUSED_EXIT_CODE)


def _raw_frames(
    frame_size: str | None, fps: float | None, limits: DecodeLimits
) -> tuple[int, int, float]:
    """Width, height and rate of raw frames; `UsageError` if they are not said."""
    from edgeecho.common.errors import UsageError
    from edgeecho.stream.sources import parse_size

    if frame_size is None or fps is None:
        raise UsageError(
            "raw RGB frames on stdin say neither size nor rate: give --frame-size WxH and --fps"
        )
    width, height = parse_size(frame_size)
    limits.check_size("--frame-size", height, width)
    return width, height, fps
