"""How good is a segmentation, and what are the beats worth that come from its masks?

    python benchmarks/segmentation.py best.pt --folder build/segmentation

The test phantoms, with every nuisance, are made in the folder from a seed that no training has
used; those that are there already are taken. Printed is one table, with the limits beside it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgeecho.beats import beats_of
from edgeecho.cine import read_cine
from edgeecho.dataset.traced import fit_masks
from edgeecho.dataset.tracings import diastole_and_systole, read_tracings
from edgeecho.preprocess import Handling, PreprocessSpec, normalise, prepare
from edgeecho_train.checkpoint import SEGMENTATION, load_checkpoint
from edgeecho_train.phantom.population import Phantom, PhantomRecipe, draw_phantom
from edgeecho_train.phantom.truth import end_times, masks
from edgeecho_train.phantom.writer import write_dataset
from edgeecho_train.segmentation.network import build_segmentation

SEED = 113
"""Of the test phantoms. Those of earlier seeds were looked at: what the first eleven of seed 108
showed changed the training, and 80 of seed 112 the rule for end diastole."""
PHANTOMS = 300
_FRAMES_A_CALL = 32
Masks = NDArray[np.bool_]


def main() -> None:
    """Make the phantoms, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("build/segmentation"))
    parser.add_argument("--n", type=int, default=PHANTOMS)
    arguments = parser.parse_args()
    recipe, data = PhantomRecipe(SEED, split="TEST"), arguments.folder / f"test-{arguments.n}"
    if not data.exists():
        write_dataset(data, recipe, arguments.n, workers=os.cpu_count() or 1)
    answer, spec = _network(arguments.checkpoint)
    tracings = read_tracings(data)
    measured = Measured()
    for index in range(arguments.n):
        phantom, _ = draw_phantom(recipe, index)
        path = data / "Videos" / f"{phantom.name}.avi"
        prepared = prepare(read_cine(path), spec, Handling(time="native"))
        true = masks(phantom)
        found = answer(prepared.fitted)
        both = diastole_and_systole(tracings[phantom.name])
        assert both is not None  # of a phantom both are traced
        traced = np.stack([tracing.mask(*true.shape[1:]) for tracing in both])
        for overlap, tracing, mask in zip(
            measured.traced, both, fit_masks(traced, prepared, spec), strict=True
        ):
            overlap.add(phantom.name, found[tracing.frame], mask)
        measured.true.add(phantom.name, found, fit_masks(true, prepared, spec))
        measured.add_beats(phantom, found)
    print(measured.table())


def _network(path: Path) -> tuple[Callable[[NDArray[np.uint8]], Masks], PreprocessSpec]:
    """From frames `(T, S, S, 3)` to masks `(T, S, S)`, and how frames are given to it."""
    value = load_checkpoint(path, SEGMENTATION)
    network = build_segmentation(value["architecture"], value["width"]).eval()
    network.load_state_dict(value["state_dict"])
    network.to(memory_format=torch.channels_last)
    spec = PreprocessSpec.from_dict(value["preprocess"])

    @torch.inference_mode()
    def answer(frames: NDArray[np.uint8]) -> Masks:
        inputs = torch.from_numpy(normalise(frames, spec)).transpose(0, 1)
        logits: list[Tensor] = [
            network(part.contiguous(memory_format=torch.channels_last))["out"][:, 0]
            for part in inputs.split(_FRAMES_A_CALL)
        ]
        found: Masks = (torch.cat(logits) > 0).numpy()
        return found

    return answer, spec


@dataclass
class Overlap:
    """Dice coefficient over all pixels of all frames, as published, and of the worst video."""

    inter: int = 0
    both: int = 0
    worst: tuple[float, str] = (1.0, "")

    def add(self, name: str, found: Masks, true: Masks) -> None:
        inter, both = int((found & true).sum()), int(found.sum()) + int(true.sum())
        self.inter, self.both = self.inter + inter, self.both + both
        self.worst = min(self.worst, (2 * inter / both, name))

    @property
    def dice(self) -> float:
        return 2 * self.inter / self.both


@dataclass
class Measured:
    """All that is measured of all phantoms."""

    traced: tuple[Overlap, Overlap] = field(default_factory=lambda: (Overlap(), Overlap()))
    true: Overlap = field(default_factory=Overlap)
    ends: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    """Errors of end diastole and end systole in frames of 50/s."""
    whole: list[int] = field(default_factory=lambda: [0, 0])
    found: list[int] = field(default_factory=lambda: [0, 0])
    """Whole beats of phantoms with a regular rhythm, and of arrhythmic ones."""
    phantoms: list[int] = field(default_factory=lambda: [0, 0])
    too_many: int = 0
    ef: list[tuple[float, float, str]] = field(default_factory=list)
    """Traced and true EF, name."""
    without: list[str] = field(default_factory=list)

    def add_beats(self, phantom: Phantom, shown: Masks) -> None:
        """The rules are those of `tests/beats/test_phantoms.py`."""
        seconds = np.arange(len(shown)) / phantom.fps
        beats = beats_of(shown, seconds)
        ends = [(beat.ed.ms, beat.es.ms) for beat in beats.found if beat.ed and beat.es]
        # Arrhythmic is a phantom that fibrillates, or has a premature beat.
        kind = phantom.kick == 0 or max(phantom.rr_s) > 1.35 * min(phantom.rr_s)
        self.phantoms[kind] += 1
        matched = 0
        for true in 1000 * end_times(phantom):
            near = [pair for pair in ends if (abs(np.subtract(pair, true)) < 120).all()]
            matched += len(near)
            # Whole: the video shows its end diastole before it ends, and its end systole after.
            if true[0] > 50 and true[1] < 1000 * seconds[-1] - 60:
                self.whole[kind] += 1
                self.found[kind] += bool(near)
                for errors, found, end in zip(self.ends, np.transpose(near), true, strict=False):
                    errors.extend(np.abs(found - end) / 20)
        self.too_many += len(ends) - matched
        if beats.mean_ef is None:
            self.without.append(f"{phantom.name} ({beats.reason})")
        else:
            self.ef.append((beats.mean_ef, phantom.ef, phantom.name))

    def table(self) -> str:
        """Everything in Markdown: the limits are those that were set before the first training."""
        rows = [
            (f"Dice coefficient, {what} (worst video {overlap.worst[0]:.3f}, {overlap.worst[1]})",
             f"{overlap.dice:.3f}", ">= 0.94", overlap.dice >= 0.94)
            for what, overlap in zip(
                ("ED, tracing", "ES, tracing", "all frames, true mask"),
                (*self.traced, self.true), strict=True)
        ]  # fmt: skip
        for end, errors in zip(("ED", "ES"), self.ends, strict=True):
            for what, percent, limit in (("median", 50, 1), ("90th percentile", 90, 2)):
                value = float(np.percentile(errors or [np.nan], percent))
                words = f"{end}, frames of 50/s: {what}"
                rows.append((words, f"{value:.2f}", f"<= {limit}", value <= limit))
        traced, true = np.array([row[:2] for row in self.ef] or [(np.nan, np.nan)]).T
        error = traced - true
        mae, far = float(np.abs(error).mean()), int(np.abs(error).argmax())
        r2 = 1 - float((error**2).mean() / true.var()) if len(true) > 1 else np.nan
        worst = f"{error[far]:+.1f}, {self.ef[far][2]}" if self.ef else "none"
        missed = ", ".join(self.without) or "none"
        rows += [
            (f"traced EF, MAE in points (worst {worst})", f"{mae:.2f}", "<= 3.0", mae <= 3),
            (f"traced EF, R2 (mean error {error.mean():+.2f})", f"{r2:.3f}", ">= 0.95", r2 >= 0.95),
            (f"whole beats found, {self.phantoms[1]} arrhythmic phantoms",
             f"{self.found[1]} of {self.whole[1]}", ">= 95 %",
             self.found[1] >= 0.95 * self.whole[1]),
            (f"whole beats found, {self.phantoms[0]} others",
             f"{self.found[0]} of {self.whole[0]}", "", None),
            ("beats that are none", str(self.too_many), "", None),
            (f"videos without a beat: {missed}", str(len(self.without)), "", None),
        ]  # fmt: skip
        told = {None: "", True: "met", False: "MISSED"}
        body = [
            f"| {what} | {value} | {limit} | {told[met if met is None else bool(met)]} |"
            for what, value, limit, met in rows
        ]
        return "\n".join(["| | measured | limit | |", "|---|---|---|---|", *body])


if __name__ == "__main__":
    main()
