"""`edgeecho calibrate check`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from edgeecho.common.errors import MissingDependencyError


def check(
    videos: Annotated[Path, typer.Argument(help="Folder with a site's videos or DICOM cines.")],
    model: Annotated[
        Path | None, typer.Option(help="Calibrated bundle; default: the demo model.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Also write the counts here (JSON), a plot beside it.")
    ] = None,
    clips: Annotated[str, typer.Option(help="one, center, all or stride:N.")] = "center",
    precision: Annotated[str | None, typer.Option(help="Which of the bundle's models.")] = None,
    engine: Annotated[str, typer.Option(help="Engine that runs it.")] = "auto",
) -> None:
    """How far a site's videos are from what a model knows, before it goes live. Needs no labels.

    Counts which gates refuse how many of the videos and how many come near to each, and says in
    one sentence whether the model's interval can be meant for them. No file is named anywhere.
    """
    from edgeecho.bundle import open_model
    from edgeecho.cine import find_videos
    from edgeecho.common.console import progress_bar
    from edgeecho.common.errors import UsageError
    from edgeecho.common.files import write_json
    from edgeecho.inference import load_opened
    from edgeecho.preprocess import ClipMode
    from edgeecho_calibration.site import check_site
    from edgeecho_calibration.site_report import draw, to_dict, to_text

    mode = ClipMode.parse(clips)
    if out is not None and out.suffix != ".json":
        raise UsageError(f"--out {out} must end in .json: its plot is written beside it")
    if out is not None and find_spec("matplotlib") is None:
        raise MissingDependencyError(
            "--out needs matplotlib, which is not installed: pip install 'edgeecho[evaluate]'"
        )
    files = find_videos([videos]).files
    loaded = load_opened(open_model(model, precision=precision), engine=engine)
    with progress_bar() as progress:
        found = check_site(progress.track(files, description="videos"), loaded, mode)
    if out is not None:
        write_json(out, to_dict(found))
        draw(out.with_suffix(".png"), found)
    typer.echo(to_text(found))
