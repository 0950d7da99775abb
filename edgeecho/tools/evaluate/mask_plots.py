"""What is drawn of masks and beats, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeecho.tools.evaluate.assess import Assessed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from edgeecho.tools.evaluate.agreement import Efs

TRACED_EF, DICE = "traced-ef", "dice"
_TITLES = {
    TRACED_EF: "Traced EF against label",
    DICE: "Dice coefficient of each traced frame",
}
_COLOURS = {"ED": "#0a6570", "ES": "#b05a00"}


def mask_plots(found: Assessed) -> dict[str, str]:
    """File name and title of those plots for which there is something to draw."""
    masks = found.masks
    drawn = {
        TRACED_EF: masks is not None and masks.rows[-1].metrics is not None,
        DICE: masks is not None and bool(masks.phases),
    }
    return {name: title for name, title in _TITLES.items() if drawn[name]}


def draw_traced_ef(axes: Axes, found: Assessed, _predicted: Efs, truth: Efs) -> None:
    """Scatter; videos without a traced EF are on the axis below, so that all are there."""
    efs = np.array(
        [np.nan if p.masks is None else p.masks.traced_ef for p in found.run.predictions],
        np.float64,
    )
    there = np.isfinite(efs)
    low, high = min(0.0, float(efs[there].min()) - 2), 100.0
    axes.plot((0, high), (0, high), color="#16212c", linewidth=1, label="equal")
    for edge in (40, 50):
        for line in (axes.axvline, axes.axhline):
            line(edge, color="#4d5b69", linestyle=":", linewidth=1)
    alpha = 0.75 if len(efs) < 300 else 0.35
    axes.scatter(truth[there], efs[there], s=16, color=_COLOURS["ED"], alpha=alpha, linewidths=0,
                 label=f"{there.sum()} videos")  # fmt: skip
    if not there.all():
        axes.scatter(truth[~there], np.full((~there).sum(), low), s=22, marker="x",
                     color=_COLOURS["ES"], clip_on=False,
                     label=f"{(~there).sum()} without a traced EF")  # fmt: skip
    axes.set(xlabel="label: EF (%)", ylabel="traced EF (%)", xlim=(0, high), ylim=(low, high))
    axes.set_aspect("equal")
    axes.legend(loc="upper left", fontsize=9)


def draw_dice(axes: Axes, found: Assessed, _predicted: Efs, _truth: Efs) -> None:
    """Histogram of ED and of ES."""
    pairs = [p.masks.traced for p in found.run.predictions if p.masks and p.masks.traced]
    dice = np.array([[frame.dice for frame in pair] for pair in pairs])
    # Bins of 0.01, unless the worst frame asks for a wider scale.
    low = float(np.floor(dice.min() * 100) / 100)
    bins = max(10, min(50, round((1 - low) * 100)))
    for place, (phase, colour) in enumerate(_COLOURS.items()):
        values = dice[:, place]
        words = f"{phase}: median {np.median(values):.3f}, lowest {values.min():.3f}"
        axes.hist(
            values,
            bins,
            range=(low, 1),
            histtype="step",
            linewidth=1.8,
            color=colour,
            label=words,
        )
    axes.set(xlabel="Dice coefficient with the tracing", ylabel="frames", xlim=(low, 1))
    axes.locator_params(axis="y", integer=True)
    axes.margins(y=0.25)  # room for the legend
    axes.legend(loc="upper left", fontsize=9)
