"""Scatter, ROC, Bland-Altman and error-by-band plots as PNG and PDF, with matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.files import atomic_path
from edgeecho.common.text import printable
from edgeecho.tools.evaluate.agreement import split_bands
from edgeecho.tools.evaluate.assess import Assessed, efs_of
from edgeecho.tools.evaluate.mask_plots import (
    DICE,
    TRACED_EF,
    draw_dice,
    draw_traced_ef,
    mask_plots,
)
from edgeecho.tools.evaluate.run import Evaluation
from edgeecho.tools.evaluate.statistics import THRESHOLDS, roc_curve
from edgeecho.tools.evaluate.tables import INTERVAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from edgeecho.tools.evaluate.agreement import Efs

PLOTS = {
    "scatter": "Prediction against label",
    "roc": "ROC of finding a low EF",
    "bland-altman": "Bland-Altman: difference against mean",
    "bands": "Error by band of the true EF",
}
"""File name without suffix, and title."""
_BANDS = {"EF ≤ 40": "#94abc9", "40 < EF < 50": "#bfcee1", "EF ≥ 50": "#dfe8f2"}
_INK, _REFUSED = "#0a6570", "#b05a00"


def plots_of(found: Assessed) -> dict[str, str]:
    """`PLOTS`, and with a segmentation those of masks and beats."""
    return PLOTS | mask_plots(found)


def draw_plots(folder: Path, evaluation: Evaluation, found: Assessed) -> None:
    """Write each of `plots_of` as .png and .pdf into `folder`, atomically."""
    from matplotlib.figure import Figure

    truth = np.array([video.ef for video in evaluation.videos])
    draw = {
        "scatter": _scatter,
        "roc": _roc,
        "bland-altman": _bland_altman,
        "bands": _bands,
        TRACED_EF: draw_traced_ef,
        DICE: draw_dice,
    }
    for name, title in plots_of(found).items():
        figure = Figure(figsize=(6, 6), layout="constrained")
        axes = figure.subplots()
        draw[name](axes, found, efs_of(found.run), truth)
        axes.set_title(title, loc="left", fontsize=12)
        axes.set_axisbelow(True)
        axes.grid(alpha=0.3)
        # The constrained layout leaves room for these two.
        figure.suptitle(RESEARCH_USE, fontsize=10, fontweight="bold", color="#553d00")
        figure.supxlabel(_footer(evaluation, found), fontsize=8, color="#4d5b69")
        for suffix, metadata in ((".png", {}), (".pdf", {"CreationDate": None})):
            with atomic_path(folder / f"{name}{suffix}") as temporary:
                figure.savefig(temporary, dpi=140, metadata=metadata)


def _footer(evaluation: Evaluation, found: Assessed) -> str:
    from textwrap import wrap

    run = found.run
    about = (
        f"{evaluation.data}, {evaluation.split}; {run.model.name} {run.model.version}, "
        f"{run.model.precision}, clips {run.clips}"
    )
    # A data set's description must not be parsed as mathematics.
    return "\n".join(wrap(printable(about), 95, max_lines=3)).replace("$", r"\$")


def _scatter(axes: Axes, found: Assessed, predicted: Efs, truth: Efs) -> None:
    ends = _limits(predicted, truth)
    axes.plot(ends, ends, color="#16212c", linewidth=1, label="equal")
    for edge in (40, 50):
        for line in (axes.axvline, axes.axhline):
            line(edge, color="#4d5b69", linestyle=":", linewidth=1)
    _points(axes, found, truth, predicted)
    axes.set(xlabel="label: EF (%)", ylabel="prediction: EF (%)", xlim=ends, ylim=ends)
    axes.set_aspect("equal")
    axes.legend(loc="upper left", fontsize=9)


def _roc(axes: Axes, found: Assessed, predicted: Efs, truth: Efs) -> None:
    axes.plot([0, 1], [0, 1], color="#4d5b69", linestyle=":", linewidth=1)
    # Good curves overlap: with thinner ones on top of wider ones, all are visible.
    for threshold, width in zip(THRESHOLDS, (5, 3.6, 2.4, 1.2), strict=True):
        area = found.measured[f"auroc_{threshold}"]
        if area is None:
            continue
        words = f"EF < {threshold} %: {area.value:.3f} ({area.low:.3f} to {area.high:.3f})"
        axes.plot(*roc_curve(predicted, truth, threshold), linewidth=width, label=words)
    axes.set(xlabel="1 - specificity", ylabel="sensitivity", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_aspect("equal")
    if len(axes.lines) > 1:
        axes.legend(loc="lower right", fontsize=9, title=f"AUROC ({INTERVAL})")
    else:
        axes.text(0.5, 0.6, "no threshold has labels on both sides", ha="center")


def _bland_altman(axes: Axes, found: Assessed, predicted: Efs, truth: Efs) -> None:
    limits = found.agreement
    lines = [(limits.bias, "-", f"bias {limits.bias:+.1f}")]
    if limits.low is not None and limits.high is not None:
        words = f"bias ± 1.96 sd: {limits.low:+.1f} to {limits.high:+.1f}"
        lines += [(limits.low, "--", words), (limits.high, "--", "")]
    for value, style, words in lines:
        axes.axhline(value, color="#16212c", linestyle=style, linewidth=1, label=words or None)
    _points(axes, found, (predicted + truth) / 2, predicted - truth)
    reach = 1.45 * max(np.abs(predicted - truth).max(), *(abs(v) for v, _, _ in lines), 1.0)
    axes.set(
        xlabel="mean of prediction and label: EF (%)",
        ylabel="prediction - label (EF points)",
        ylim=(-reach, reach),
    )
    axes.legend(loc="upper left", fontsize=9)


def _bands(axes: Axes, found: Assessed, predicted: Efs, truth: Efs) -> None:
    groups = [(predicted - truth)[inside] for inside in split_bands(truth).values()]
    boxes = axes.boxplot(
        groups,
        widths=0.55,
        patch_artist=True,
        whis=(5, 95),
        medianprops={"color": "#16212c"},
        flierprops={"markersize": 3},
    )
    for box, colour in zip(boxes["boxes"], _BANDS.values(), strict=True):
        box.set_facecolor(colour)
    axes.axhline(0, color="#16212c", linewidth=1)
    names = [
        f"{band.name} %\nn {band.n}"
        + ("" if band.mae is None else f"\nMAE {band.mae:.1f}, bias {band.bias:+.1f}")
        for band in found.bands
    ]
    axes.set_xticks([1, 2, 3], names)
    axes.set_ylabel("prediction - label (EF points); box: quartiles, whiskers: 5 to 95 %")


def _points(axes: Axes, found: Assessed, x: Efs, y: Efs) -> None:
    refused = np.array([bool(p.refusals) for p in found.run.predictions])
    # Otherwise thousands of points would merge into a blot.
    alpha = 0.75 if len(x) < 300 else 0.35
    words = "accepted" if refused.any() else "videos"
    axes.scatter(x[~refused], y[~refused], s=16, color=_INK, alpha=alpha, linewidths=0,
                 label=f"{(~refused).sum()} {words}")  # fmt: skip
    if refused.any():
        axes.scatter(x[refused], y[refused], s=22, marker="x", color=_REFUSED,
                     label=f"{refused.sum()} refused by a gate")  # fmt: skip


def _limits(predicted: Efs, truth: Efs) -> tuple[float, float]:
    low = min(0.0, float(predicted.min()) - 2)
    return low, max(100.0, float(predicted.max()) + 2, float(truth.max()))
