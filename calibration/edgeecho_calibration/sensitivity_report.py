"""A sensitivity analysis as a table for people, JSON for export, and a plot."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.errors import InputError
from edgeecho.common.files import atomic_path
from edgeecho_calibration.sensitivity import Sensitivity

SCHEMA = "edgeecho-sensitivity-1"


def to_text(found: Sensitivity) -> str:
    """A table with one line per layer, the most damaging first; EF points from FP32."""
    width = max(len(layer.name) for layer in found.layers)
    lines = [
        f"{found.model} on {found.engine}: EF points from FP32 over {found.clips} clips",
        f"  {'':{width}}  {'only it is INT8':>16}  {'all but it are':>16}",
        f"  {'':{width}}  {'mean':>7} {'max':>8}  {'mean':>7} {'max':>8}",
    ]
    lines += [
        f"  {layer.name:{width}}  {layer.only.mean:7.4f} {layer.only.max:8.4f}  "
        f"{layer.without.mean:7.4f} {layer.without.max:8.4f}"
        for layer in found.by_damage()
    ]
    whole = found.int8
    lines.append(f"  {'every layer as given':{width}}  {whole.mean:7.4f} {whole.max:8.4f}")
    if mixed := found.mixed:
        if mixed.layers:
            lines.append(
                f"in float: {', '.join(mixed.layers)}: mean {mixed.drift.mean:.4f}, "
                f"max {mixed.drift.max:.4f}; a clip takes {mixed.slowdown:.2f} times as long"
            )
        else:
            lines.append("the drift holds as it is: no layer has to be in float")
    return "\n".join([*lines, RESEARCH_USE])


def to_dict(found: Sensitivity) -> dict[str, Any]:
    """Plain types for JSON; export reads `float_layers`."""
    layers = found.mixed.layers if found.mixed else ()
    return {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "float_layers": list(layers),
        **asdict(found),
    }


def read_float_layers(path: Path) -> tuple[str, ...]:
    """Read the layers that an analysis with `--max-drift` returned to float; or `InputError`."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): check the path") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: give the file of a sensitivity analysis") from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise InputError(
            f"{path} is no {SCHEMA} file: make one with `edgeecho calibrate sensitivity`"
        )
    if value.get("mixed") is None:
        raise InputError(
            f"{path} returned no layer to float, since no largest drift was asked for: "
            "run `edgeecho calibrate sensitivity` with --max-drift"
        )
    layers = value.get("float_layers")
    if not isinstance(layers, list) or not all(isinstance(name, str) for name in layers):
        raise InputError(f"{path} lists no layers: make the analysis again")
    return tuple(layers)


def draw(path: Path, found: Sensitivity) -> None:
    """Draw bars in the layers' execution order to a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 8), layout="constrained")
    only, without = figure.subplots(1, 2, sharey=True)
    names = [layer.name for layer in found.layers]
    floating = found.mixed.layers if found.mixed else ()
    colours = ["C1" if name in floating else "C0" for name in names]
    for axis, kind, title in (
        (only, "only", "only this layer is INT8"),
        (without, "without", "all but this layer are INT8"),
    ):
        drifts = [getattr(layer, kind) for layer in found.layers]
        axis.barh(names, [drift.mean for drift in drifts], color=colours)
        axis.plot([drift.max for drift in drifts], names, "k.", markersize=4, label="largest")
        axis.set(title=title, xlabel="drift from FP32 (EF points): bar mean, dot largest")
        axis.grid(axis="x", alpha=0.3)
    without.axvline(found.int8.mean, color="grey", linestyle="--", label="every layer, mean")
    without.legend(loc="lower right")
    only.invert_yaxis()
    note = "; orange: returned to float" if floating else ""
    figure.suptitle(f"{found.model}, {found.engine}, {found.clips} clips{note}")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
