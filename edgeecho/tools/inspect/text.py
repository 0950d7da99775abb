"""An inspection as text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

from edgeecho.bundle import Artefact, MaskArtefact
from edgeecho.common.about import RESEARCH_USE
from edgeecho.tools.inspect.measured import measured
from edgeecho.tools.inspect.types import Inspection, NetworkStage

_WIDTH = 96
_UNITS = {
    "mean": " (R, G, B on 0..255)",
    "std": " (R, G, B on 0..255)",
    "frames": " in a clip",
    "size": " pixels, height and width",
    "training_fps": " frames/s",
}


def to_text(inspection: Inspection) -> str:
    """The report for a terminal or a file; the disclaimer comes last."""
    blocks = [
        _what(inspection),
        _network(inspection),
        _preprocessing(inspection),
        _provenance(inspection),
        _artefacts(inspection.artefacts),
        _unknown(inspection.unknown),
    ]
    if found := inspection.segmentation:
        blocks += [_what(found), _network(found), _provenance(found)]
        blocks += [_artefacts(found.artefacts), _unknown(found.unknown)]
    blocks.append([RESEARCH_USE])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _what(inspection: Inspection) -> list[str]:
    architecture = inspection.architecture or {}
    words = [
        f"{inspection.name} {inspection.version}" if inspection.name else "",
        inspection.precision or "",
        str(architecture.get("name", "")),
        str(architecture.get("task", "")),
        f"width {_value(architecture['width'])}" if "width" in architecture else "",
    ]
    return [
        *_entry(inspection.kind, inspection.file, indent=""),
        *(_entry("sha256", inspection.sha256, indent="") if inspection.sha256 else []),
        *_entry("model", ", ".join(w for w in words if w) or "not known", indent=""),
    ]


def _network(inspection: Inspection) -> list[str]:
    name = max(len("total"), *(len(stage.name) for stage in inspection.stages))
    shape = max(6, *(len(_shape(stage.output_shape)) for stage in inspection.stages))
    row = f"  {{:<{name}}}  {{:<{shape}}}  {{:>12}}  {{:>8}}   {{}}"
    lines = [
        f"Network, one {_input(inspection)} of {_shape(inspection.clip_shape)}",
        row.format("stage", "output", "parameters", "GMAC", "").rstrip(),
    ]
    for stage in inspection.stages:
        cells = (f"{stage.parameters:,}", _giga(stage.macs), _change(stage))
        lines.append(row.format(stage.name, _shape(stage.output_shape), *cells).rstrip())
    total = (f"{inspection.parameters:,}", _giga(inspection.macs), "")
    lines.append(row.format("total", "", *total).rstrip())
    lines += _entry("parameters", inspection.counted)
    trained = (inspection.architecture or {}).get("parameters")
    if trained not in (None, inspection.parameters):
        lines += _entry("", f"as trained, batch norms apart: {_count(trained)}")
    counted = "10^9 multiply-accumulates of convolutions and matrix products"
    products = f"{counted} for one {_input(inspection)}"
    return [*lines, *_entry("GMAC", products)]


def _input(inspection: Inspection) -> str:
    return "frame" if len(inspection.clip_shape or ()) == 4 else "clip"


def _change(stage: NetworkStage) -> str:
    if stage.name == "head":
        return "mean over time and space, fc: EF in %"
    halved = {"time": stage.time_divisor, "space": stage.space_divisor}
    return ", ".join(f"{axis} /{by}" for axis, by in halved.items() if by != 1)


def _preprocessing(inspection: Inspection) -> list[str]:
    if not inspection.preprocess:
        return ["Preprocessing: not known"]
    lines = ["Preprocessing"]
    for name, value in inspection.preprocess.items():
        unit = _UNITS.get(name, "") if value is not None else ""
        lines += _entry(name, _value(value) + unit)
    digest = inspection.preprocess_sha256
    return [*lines, *(_entry("sha256", digest) if digest else [])]


def _provenance(inspection: Inspection) -> list[str]:
    provenance = _mapping(inspection.provenance)
    if not provenance and not inspection.trained_on:
        return ["Provenance: not known"]
    training = _mapping(provenance.get("training"))
    results = training.get("result")
    rows = {
        "checkpoint": f"sha256 {provenance.get('checkpoint_sha256') or 'not known'}",
        "trained on": inspection.trained_on or "not known",
        "data": _pairs(training.get("data"), leave_out=("description",)),
        # The clip's frames, period and size are in the preprocessing section.
        "recipe": _pairs(training.get("recipe"), leave_out=("width", "frames", "period", "size")),
        "result": "; ".join(_pairs(r) for r in results) if isinstance(results, list) else "",
        "trained by": _pairs(training.get("versions")),
        "exported by": _pairs(provenance.get("versions")),
    }
    return [
        "Provenance",
        *(line for name, text in rows.items() if text for line in _entry(name, text)),
    ]


def _artefacts(artefacts: tuple[Artefact | MaskArtefact, ...]) -> list[str]:
    if not artefacts:
        return []
    what = "drift from PyTorch in EF points"
    if isinstance(artefacts[0], MaskArtefact):
        what = "masks against PyTorch's: Dice coefficient, areas in %"
    lines = [f"Artefacts, hashes verified; {what}"]
    for artefact in artefacts:
        lines += _entry(artefact.precision, f"{artefact.file}, opset {artefact.opset}")
        lines += _entry("", f"sha256 {artefact.sha256}")
        for check in artefact.verification:
            lines += _entry("", f"{check.engine} {check.version}: {measured(check)}")
        if not artefact.verification:
            lines += _entry("", "drift was not measured")
    return lines


def _unknown(unknown: tuple[str, ...]) -> list[str]:
    lines = [line for text in unknown for line in _entry("-", text, column=4)]
    return ["Not known", *lines] if unknown else []


def _entry(name: str, text: str, *, indent: str = "  ", column: int = 16) -> list[str]:
    """A wrapped entry; an empty name continues the entry above."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=f"{indent + name:<{column - 1}} ",
        subsequent_indent=" " * column,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _pairs(value: Any, leave_out: tuple[str, ...] = ()) -> str:
    pairs = _mapping(value).items()
    return ", ".join(f"{k} {_value(v)}" for k, v in pairs if k not in leave_out)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _value(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, list | tuple):
        return ", ".join(_value(v) for v in value)
    if isinstance(value, float):
        return f"{value:.5g}"
    # Shorten hashes inside a list: they are for recognition only.
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1", str(value))


def _shape(shape: tuple[int, ...] | None) -> str:
    return "x".join(map(str, shape)) if shape is not None else "?"


def _giga(macs: int | None) -> str:
    if macs is None:
        return "?"
    return "<0.001" if 0 < macs < 500_000 else f"{macs / 1e9:.3f}"


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
