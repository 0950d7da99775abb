"""The same phantom at several frame rates: how far apart are the answers?

    python benchmarks/frame_rates.py --out docs/frame-rates.md

Every phantom is rendered at every rate (the same heart, beats, view and scanner settings, over the
same seconds), written as MJPG AVI and answered by the demo model, once with frames taken by index
(`--time native`) and once resampled (`--time resample`).
"""

from __future__ import annotations

import argparse
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeecho import __version__
from edgeecho.common.files import write_text
from edgeecho.inference import LoadedModel, estimate_file, load_model
from edgeecho.preprocess import Handling
from edgeecho_train.phantom.population import Phantom, PhantomRecipe, draw_phantom
from edgeecho_train.phantom.render import render
from edgeecho_train.phantom.writer import encode

RATES = (25, 30, 50, 80)
REFERENCE = 50
SECONDS = 2.6
"""A clip by index at 25 frames/s takes 2.52 s."""
SEED = 11


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--phantoms", type=int, default=50)
    arguments = parser.parse_args()
    model = load_model()
    efs: dict[str, list[list[float]]] = {"native": [], "resample": []}
    truth = []
    with tempfile.TemporaryDirectory() as folder:
        for phantom in _phantoms(arguments.phantoms):
            files = [_write(Path(folder), phantom, rate) for rate in RATES]
            for time, rows in efs.items():
                rows.append([_answer(file, model, time) for file in files])
            truth.append(phantom.ef)
            print(phantom.name, f"EF {phantom.ef:.1f}", efs["native"][-1], efs["resample"][-1])
    page = _page({k: np.array(v) for k, v in efs.items()}, np.array(truth), model)
    write_text(arguments.out, page)


def _phantoms(count: int) -> Iterator[Phantom]:
    recipe = PhantomRecipe(seed=SEED, frames=240)  # enough beats for any of the rates
    return (draw_phantom(recipe, index)[0] for index in range(count))


def _write(folder: Path, phantom: Phantom, rate: int) -> Path:
    # The same generator for every rate: the same tissue, seen more or less often.
    at_rate = replace(phantom, fps=float(rate), frames=round(SECONDS * rate))
    clip = render(at_rate, np.random.default_rng([SEED, int(phantom.name.split("-")[-1])]))
    path = folder / f"{rate}.avi"
    encode(path, clip.frames, float(rate))
    return path


def _answer(path: Path, model: LoadedModel, time: str) -> float:
    return estimate_file(path, model, clips="stride:8", handling=Handling(time=time)).ef


def _page(
    efs: dict[str, NDArray[np.float64]], truth: NDArray[np.float64], model: LoadedModel
) -> str:
    reference = RATES.index(REFERENCE)
    rows = []
    for time, answers in efs.items():
        for column, rate in enumerate(RATES):
            apart = np.abs(answers[:, column] - answers[:, reference])
            error = np.abs(answers[:, column] - truth)
            rows.append(
                f"| {time} | {rate} | {np.median(apart):.2f} | {np.percentile(apart, 90):.2f} | "
                f"{apart.max():.2f} | {error.mean():.2f} |"
            )
    told = (
        f"Written by `python benchmarks/frame_rates.py` with edgeecho {__version__}, model "
        f"{model.file.name} {model.file.version} (trained at about "
        f"{model.file.preprocess.training_fps:.0f} frames/s) on {model.engine.facts.name} "
        f"{model.engine.facts.version}: {len(truth)} phantoms (seed {SEED}), each rendered for "
        f"{SECONDS} s at every rate: the same heart, beats and view. Distances are to the answer "
        f"at {REFERENCE} frames/s treated the same way. EF points; "
        "phantoms say nothing of patients."
    )
    lines = [
        "# The same beat at other frame rates",
        "",
        *textwrap.wrap(told, 100),
        "",
        "| `--time` | frames/s | median distance | p90 | largest | mean error |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        "`native` takes every second frame whatever the rate, as EchoNet-Dynamic's code does;",
        "`resample` brings the video to the rate of training by its time stamps first.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
