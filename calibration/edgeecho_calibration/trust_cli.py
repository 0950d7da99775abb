"""`edgeecho calibrate trust`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def trust(
    data: Annotated[Path, typer.Argument(help="Folder with FileList.csv and Videos/.")],
    model: Annotated[Path, typer.Option(help="Bundle to measure, and to write the result into.")],
    split: Annotated[str, typer.Option(help="TRAIN, VAL or TEST.")] = "VAL",
    clips: Annotated[
        str, typer.Option(help="Most clips an answer averages: one, center, all or stride:N.")
    ] = "stride:16",
    level: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="How often the interval must hold the truth.")
    ] = 0.9,
    least: Annotated[
        int, typer.Option(min=1, help="Refuse to measure on fewer videos than these.")
    ] = 100,
    precision: Annotated[
        str | None, typer.Option(help="Which of the bundle's models to run; default: fp32.")
    ] = None,
    engine: Annotated[str, typer.Option(help="Engine that runs it.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: the engine's choice.")] = 0,
    keep: Annotated[
        Path | None,
        typer.Option(help="Keep what was measured of each video here (JSON lines), and go on from "
                          "it: a fit that is repeated runs nothing again."),
    ] = None,
) -> None:  # fmt: skip
    """Measure a model's interval and the thresholds of its gates on videos it was not trained on.

    The result, `trust.npz` and its entry in manifest and model card, is what makes `infer` give an
    interval and refuse. It holds for videos of the kind of DATA: measured on phantoms it says
    nothing of patients.
    """
    from dataclasses import replace

    from edgeecho.bundle import open_model
    from edgeecho.common.console import progress_bar
    from edgeecho.common.errors import UsageError
    from edgeecho.dataset import SPLITS
    from edgeecho.inference import load_opened
    from edgeecho.preprocess import ClipMode
    from edgeecho.trust.learned import domain_of
    from edgeecho_calibration.trust import answer_all
    from edgeecho_calibration.trust_fit import fit_trust
    from edgeecho_calibration.trust_record import record_trust, to_text

    mode = ClipMode.parse(clips)
    if split.upper() not in SPLITS:
        raise UsageError(f"--split {split!r} is not known: choose {', '.join(SPLITS)}")
    if not model.is_dir():
        raise UsageError("--model must be a bundle, a folder to write into")
    # Without what was measured before, which may be what has to be mended.
    file = replace(open_model(model, precision=precision), uncertainty=None)
    loaded = load_opened(file, engine=engine, threads=threads)
    with progress_bar() as progress:
        source, answered = answer_all(
            data,
            loaded,
            split=split,
            clips=mode,
            keep=keep,
            track=lambda videos: progress.track(videos, description="videos"),
        )
    found = fit_trust(
        answered,
        level=level,
        least=least,
        precision=file.precision,
        domain=domain_of(source.data),
    )
    entry = record_trust(model, found, source, answered)
    typer.echo(to_text(entry), err=True)
