"""`edgeecho preview`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeecho.cli.options.answer import LimitOptions, Model, VideoOptions
from edgeecho.cli.options.groups import with_groups

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@with_groups
def preview(
    *,
    video: Annotated[Path, typer.Argument(help="Video or DICOM cine.")],
    out: Annotated[
        Path, typer.Option(help=".png: contact sheet; .avi or .mp4: a video of all frames.")
    ],
    start: Annotated[
        int | None, typer.Option(min=0, help="First frame of the clip; default: the central clip.")
    ] = None,
    overlay: Annotated[
        bool,
        typer.Option(
            "--overlay", help="Draw the left ventricle, ED and ES into the video, as traced."
        ),
    ] = False,
    model: Model = None,
    wishes: VideoOptions,
    limits: LimitOptions,
) -> None:
    """Show what the network sees: the crop in the original, and the frames of a clip.

    The original is shown with whatever is written on it, a patient's name perhaps.
    """
    from edgeecho.bundle import open_model
    from edgeecho.cine import read_cine
    from edgeecho.cli.outputs import check_outputs
    from edgeecho.common.console import words
    from edgeecho.common.errors import UsageError
    from edgeecho.common.text import printable
    from edgeecho.engines import load_segmentation
    from edgeecho.inference import trace
    from edgeecho.preprocess import prepare
    from edgeecho.report.reasons import NO_BEATS
    from edgeecho.tools.preview import Preview, write_movie, write_sheet
    from edgeecho.tools.preview.movie import CODECS

    suffix = out.suffix.lower()
    if suffix not in (".png", *CODECS):
        raise UsageError(f"--out {out.name}: choose a name that ends in .png, .avi or .mp4")
    if overlay and suffix == ".png":
        raise UsageError(f"--overlay is drawn into a video: let --out end in {' or '.join(CODECS)}")
    check_outputs({"--out": out}, [video, model])
    handling, at_most = wishes.handling(), limits.limits()
    opened = open_model(model)
    spec = opened.preprocess
    masks = load_segmentation("auto", opened, cached=True) if overlay else None
    cine = read_cine(video, at_most, handling.views)
    cine = cine if wishes.fps is None else cine.at_rate(wishes.fps)
    prepared = prepare(cine, spec, handling, at_most)
    traced = trace(prepared, spec, masks) if masks else None
    view = Preview.of(cine, prepared, spec, start, traced)
    if suffix == ".png":
        write_sheet(out, view)
    else:
        write_movie(out, view)
    for damage in cine.damage:
        words.print(f"damaged file: {damage}")
    several = prepared.sector.several if prepared.sector else None
    for note in (*cine.notes, *cine.fps_notes, cine.fps_doubt, *prepared.notes, several):
        if note:
            words.print(note)
    if traced and traced.beats.reason:
        words.print(f"no beats: {NO_BEATS[traced.beats.reason]}")
    words.print(printable(f"{out}: {view.caption()}"))
    words.print("It shows the original frame: text on it may identify a patient.")
