"""Which clips of a study give its EF? Phantom studies of several clips, and the rules compared.

    python benchmarks/studies.py --model models/narrow/bundle --studies 60 --out studies.json

A study is one phantom heart of one EF, recorded several times: each clip has its own heart rate,
length, frame rate, foreshortening, view, scanner settings and noise. No clip is of another view, so
that it says nothing about those. Phantom error is no clinical accuracy.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from edgeecho.cine import Cine
from edgeecho.inference import LoadedModel, estimate, load_model
from edgeecho.results import Numbers
from edgeecho.study import RULES as RULES_OF_STUDIES
from edgeecho.study import Rule
from edgeecho.study.choose import far_apart
from edgeecho.study.combine import combine
from edgeecho_train.phantom.nuisances import draw_view
from edgeecho_train.phantom.population import Phantom, PhantomRecipe, draw_phantom
from edgeecho_train.phantom.render import render

# Of a phantom's own length, as `draw_heart` draws it.
_FORESHORTENING = 0.15


@dataclass(frozen=True)
class Clip:
    """What the rules may know of an answered clip, and the truth."""

    study: int
    true: float
    """EF in %."""
    ef: float
    sd: float | None
    """Over the clips that are averaged, in EF points."""
    beats: float | None
    """Heart beats in the video."""
    seconds: float
    contrast: float
    gates: tuple[str, ...]


def draw_study(seed: int, index: int, clips: int) -> list[tuple[Phantom, np.random.Generator]]:
    """Phantoms of one heart."""
    first, noise = draw_phantom(PhantomRecipe(seed), index)
    rng = np.random.default_rng((seed, index, 1))
    whole = first.heart.length_cm / (1 - _FORESHORTENING / 3)
    found = [(first, noise)]
    for number in range(1, clips):
        # Everything but heart and EF is that of another phantom.
        other, noise = draw_phantom(PhantomRecipe(seed + 1000 * number), index)
        length = whole * (1 - _FORESHORTENING * float(rng.uniform()) ** 2)
        heart = replace(first.heart, length_cm=length)
        view = draw_view(rng, heart)
        found.append((replace(other, ef=first.ef, heart=heart, view=view), noise))
    return found


def answer(model: LoadedModel, phantom: Phantom, noise: np.random.Generator, study: int) -> Clip:
    """Render and answer one clip."""
    frames = np.repeat(render(phantom, noise).frames[..., None], 3, axis=-1)
    times = np.arange(len(frames)) / phantom.fps
    cine = Cine(frames, times, phantom.fps, "container", "avi", "MJPG")
    found = estimate(cine, model)
    rate, seconds = found.video.heart_rate_bpm, len(frames) / phantom.fps
    lit = frames[frames > 20]
    return Clip(
        study, phantom.ef, found.ef, found.sd, rate and rate * seconds / 60, seconds,
        float(np.percentile(lit, 90) - np.percentile(lit, 10)) if len(lit) else 0.0,
        tuple(refusal.gate for refusal in found.refusals),
    )  # fmt: skip


def nearest_to_median(clips: Sequence[Clip]) -> float:
    middle = np.median([clip.ef for clip in clips])
    return min(clips, key=lambda clip: abs(clip.ef - middle)).ef


RULES: dict[str, Callable[[Sequence[Clip]], float]] = {
    "the first clip": lambda clips: clips[0].ef,
    "the longest": lambda clips: max(clips, key=lambda c: c.seconds).ef,
    "most beats": lambda clips: max(clips, key=lambda c: c.beats or 0).ef,
    "least spread over its parts": lambda clips: min(clips, key=lambda c: c.sd or 99).ef,
    "most contrast": lambda clips: max(clips, key=lambda c: c.contrast).ef,
    "nearest to the median": nearest_to_median,
    "median": lambda clips: float(np.median([c.ef for c in clips])),
    "mean": lambda clips: float(np.mean([c.ef for c in clips])),
    "mean weighted by beats": lambda clips: float(
        np.average([c.ef for c in clips], weights=[(c.beats or 1) for c in clips])
    ),
}


def as_edgeecho(clips: Sequence[Clip], rule: Rule) -> float | None:
    """EF of a study by the rules of `edgeecho.study`; None if its clips disagree."""
    numbers = {n: Numbers(c.ef, c.sd, (c.ef,), None, None) for n, c in enumerate(clips)}
    far = far_apart({number: one.ef for number, one in numbers.items()})
    if 2 * len(far) >= len(numbers):
        return None
    return combine({n: one for n, one in numbers.items() if n not in far}, rule).ef


def compare(clips: Sequence[Clip], most: int) -> list[str]:
    """Rows of a table: MAE, RMSE and share of errors above 10 of each rule."""
    by_study: dict[int, list[Clip]] = {}
    for clip in clips:
        if not clip.gates:
            by_study.setdefault(clip.study, []).append(clip)
    studies = [found[:most] for found in by_study.values() if len(found) >= 2]
    rows = [f"{len(studies)} studies of {min(map(len, studies))} to {max(map(len, studies))} clips"]
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(studies), (2000, len(studies)))
    mean = np.array([abs(RULES["mean"](s) - s[0].true) for s in studies])
    for name, rule in RULES.items():
        errors = np.array([abs(rule(found) - found[0].true) for found in studies])
        gain = (errors - mean)[draws].mean(axis=1)
        low, high = np.percentile(gain, [5, 95])
        rows.append(
            f"{name:<30} MAE {errors.mean():5.2f}  RMSE {np.sqrt((errors**2).mean()):5.2f}  "
            f"over 10: {(errors > 10).mean():4.0%}  MAE less the mean's {low:+.2f} to {high:+.2f}"
        )
    for rule in RULES_OF_STUDIES:
        efs = [(as_edgeecho(found, rule), found[0].true) for found in studies]
        errors = np.array([abs(ef - true) for ef, true in efs if ef is not None])
        none = [error for error, (ef, _) in zip(mean, efs, strict=True) if ef is None]
        rows.append(
            f"--study-ef {rule:<19} MAE {errors.mean():5.2f}  over 10: {(errors > 10).mean():4.0%} "
            f"of {len(errors)}; {len(none)} refused, MAE of their mean {np.mean(none or [0]):.1f}"
        )
    apart = [abs(a.ef - b.ef) for s in studies for i, a in enumerate(s) for b in s[:i]]
    points = ", ".join(f"{p:.1f}" for p in np.percentile(apart, [50, 90, 95, 98, 99]))
    rows.append(f"two clips differ by (50, 90, 95, 98, 99 %): {points}")
    # Is the half width that holds 9 of 10 single clips wide enough for their mean?
    half = np.percentile([abs(c.ef - c.true) for s in studies for c in s], 90)
    inside = (mean <= half).mean()
    rows.append(f"half width of 90 % for one clip {half:.1f}; of the means inside: {inside:.0%}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--studies", type=int, default=60)
    parser.add_argument("--clips", type=int, default=5)
    parser.add_argument("--seed", type=int, default=2301)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    model, clips = load_model(given.model, threads=1), []
    for index in range(given.studies):
        drawn = draw_study(given.seed, index, given.clips)
        clips += [answer(model, phantom, noise, index) for phantom, noise in drawn]
        given.out.write_text(json.dumps([asdict(clip) for clip in clips]), encoding="utf-8")
    refused = sum(bool(clip.gates) for clip in clips)
    print(f"{refused} of {len(clips)} clips refused by gates")
    for most in sorted({2, 3, given.clips}):
        print("\n".join(compare(clips, most)))


if __name__ == "__main__":
    main()
