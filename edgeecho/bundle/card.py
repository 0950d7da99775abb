"""The model card: a page that says nothing the manifest does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeecho.bundle.manifest import Manifest, RangeCheck, Verification


def render_card(manifest: Manifest) -> str:
    """Markdown of the manifest, in the order in which a reader asks."""
    sections = [
        _title(manifest),
        f"**Research use only, not for diagnosis.** Trained on: {manifest.trained_on}",
        f"Intended use: {manifest.intended_use}",
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in manifest.limits),
        "## Model\n\n" + _model(manifest),
        "## Training\n\n" + _training(manifest.provenance),
        "## Measured EF drift against PyTorch\n\n" + _drift(manifest),
        "## Evaluation\n\n" + _evaluation(manifest),
        "## Uncertainty and gates\n\n" + _uncertainty(manifest.uncertainty),
    ]
    return "\n\n".join(sections) + "\n"


def _title(manifest: Manifest) -> str:
    # A card is often read no further than this line.
    trained = manifest.trained_on.rstrip(".")
    if "never patients" in trained:
        trained += "; it knows nothing of patients"
    return f"# {manifest.name} {manifest.version}: trained on {trained}"


def _model(manifest: Manifest) -> str:
    spec, architecture = manifest.preprocess, manifest.architecture
    mean = ", ".join(f"{v:.3f}" for v in spec.mean)
    std = ", ".join(f"{v:.3f}" for v in spec.std)
    rate = f"{spec.training_fps:.1f} fps" if spec.training_fps else "an unknown frame rate"
    return "\n".join(
        [
            f"- {architecture['name']}, width {architecture['width']:g}, "
            f"{architecture['parameters']:,} parameters",
            f"- clips of {spec.frames} frames with period {spec.period}, "
            f"{spec.size}x{spec.size} RGB; time: {spec.time}, trained at {rate}",
            f"- mean {mean}; std {std} (0..255)",
            f"- checkpoint sha256 {manifest.provenance['checkpoint_sha256']}",
        ]
    )


def _training(provenance: Mapping[str, Any]) -> str:
    training = provenance.get("training")
    if not training:
        return "The checkpoint does not say how it was trained."
    data, recipe = training["data"], training["recipe"]
    lines = [
        f"- {data['n_train']} training and {data['n_val']} validation videos "
        f"(FileList.csv sha256 {data['file_list_sha256'][:12]})",
        "- recipe: " + ", ".join(f"{k} {v}" for k, v in recipe.items()),
    ]
    lines += [
        f"- best epoch {row['epoch']}: validation MAE {row['val_mae']:.2f} EF points"
        for row in training.get("result", [])
    ]
    if line := training.get("recalibrated"):
        lines.append(
            f"- afterwards EF = {line['slope']:.4f} x answer {line['intercept']:+.3f} was folded "
            f"into the head, a line through {line['n']} validation videos"
        )
    return "\n".join(lines)


def _drift(manifest: Manifest) -> str:
    rows = [
        f"| {_kind(a.precision, v.part)} | {v.engine} {v.version} | {v.clips} | "
        f"{', '.join(map(str, v.batches))} | {_statistics(v)} | {_allowed(v)} |"
        for a in manifest.artefacts.values()
        for v in a.verification
    ]
    head = [
        "| precision | engine | clips | batch sizes | mean | p95 | max | change of the MAE | "
        "allowed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    parts = [f"EF points, on {_held_out(manifest)}.", "\n".join([*head, *rows])]
    if manifest.references and (file := manifest.references.get("file")):
        parts.append(f"`{file}` holds the pixels and labels of these clips, for `edgeecho verify`.")
    parts += [_drift_on_data(entry) for entry in manifest.drift]
    parts += [_range(a.range) for a in manifest.artefacts.values() if a.range]
    if manifest.calibration:
        parts.append(_calibration(manifest.calibration))
    return "\n\n".join(parts)


def _statistics(check: Verification) -> str:
    change = "" if check.mae_change is None else f"{check.mae_change:+.4f}"
    return f"{check.mean_drift:.6f} | {check.p95_drift:.6f} | {check.max_drift:.6f} | {change}"


def _allowed(check: Verification) -> str:
    """Every limit; one that is wider than edgeecho's own says so."""
    if not check.allowed:
        return f"{check.tolerance:g}"
    return ", ".join(
        f"{name} {limit:g}" + (" (**loosened**)" if name in check.loosened else "")
        for name, limit in check.allowed.items()
    )


def _held_out(manifest: Manifest) -> str:
    references = manifest.references or {}
    source = references.get("source", "the reference clips")
    if "ef_sd" not in references:
        return str(source)
    return (
        f"{source}, to which PyTorch's EFs have a standard deviation of {references['ef_sd']:.2f}"
    )


def _drift_on_data(entry: Mapping[str, Any]) -> str:
    rows = [
        f"| {r['precision']} | {r['engine']} on {r['device']} | {r['clips']} | {r['mean']:.4f} | "
        f"{r['p95']:.4f} | {r['max']:.4f} | {r['mae']:+.4f} |"
        for r in entry["results"]
    ]
    head = [
        f"EF points from {entry['reference']}, on {entry['split']} clips of: {entry['data']}.",
        "",
        "| precision | engine | clips | mean | p95 | max | change of the MAE |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def _kind(precision: str, part: str) -> str:
    return precision if part == "engine" else f"{precision}, {part}"


def _range(found: RangeCheck) -> str:
    return (
        f"FP16, range: the largest of {found.tensors} tensors in FP32 over {found.clips} clips "
        f"({found.source}) is {found.largest:.4g} (`{found.tensor}`); "
        f"a quarter of what FP16 can hold, {found.limit:g}, is allowed."
    )


def _calibration(calibration: Mapping[str, Any]) -> str:
    floating = calibration.get("float_layers", ())
    methods = "; ".join(
        f"{m['method']} {m['mean_drift']:.3f} (max {m['max_drift']:.3f}"
        + (f", answers shifted by {m['shift']:+.3f})" if "shift" in m else ")")
        for m in calibration["methods"]
    )
    return (
        f"INT8 was calibrated by {calibration['method']} on {calibration['clips']} training clips "
        f"of: {calibration['data']} (set sha256 {calibration['sha256'][:12]}). "
        f"Mean drift of each method that was tried: {methods}."
        + (f" In float beside the stem: {', '.join(floating)}." if floating else "")
    )


def _evaluation(manifest: Manifest) -> str:
    if not manifest.evaluation:
        return "Not evaluated yet: `edgeecho evaluate DATA --model BUNDLE --record`."
    rows = [
        f"| {e['data']} | {e['split']} | {e['n']} | {e['clips']} | {e['precision']} on "
        f"{e['engine']} | {e['mae']:.2f} | {e['rmse']:.2f} | {_three(e['correlation'])} | "
        f"{_three(e['r2'])} | {e['mae_of_mean']:.2f} | {_covered(e.get('coverage'))} | "
        f"{e.get('refused', 0)} |"
        for e in manifest.evaluation
    ]
    head = [
        "| data | split | videos | clips | model | MAE | RMSE | r | R2 | MAE of always "
        "answering the mean | truth within the interval | refused |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    return "EF points; errors on phantoms say nothing of patients.\n\n" + "\n".join([*head, *rows])


def _uncertainty(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return (
            "Not calibrated yet: no interval is given, and only the gates that need no "
            "calibration are applied. `edgeecho calibrate trust DATA --model BUNDLE`."
        )
    widths = "\n".join(f"| {mode} | {v:.2f} |" for mode, v in entry["half_width"].items())
    limits = "\n".join(f"| {name} | {v:.4g} |" for name, v in entry["thresholds"].items())
    return "\n\n".join(
        [
            f"{entry['method']}, level {entry['level']:.0%}, on {entry['n']} of {entry['videos']} "
            f"{entry['split']} videos of: {entry['data']} (FileList.csv sha256 "
            f"{entry['file_list_sha256'][:12]}), {entry['precision']} on {entry['engine']}. "
            "It holds for videos of this kind and for no others.",
            "| clips | half the interval's width, EF points |\n|---|---|\n" + widths,
            "Thresholds that were learned from the same videos; docs/trust.md says what each gate "
            "sees, and gives those that need no calibration.",
            "| gate | threshold |\n|---|---|\n" + limits,
        ]
    )


def _covered(found: Mapping[str, Any] | None) -> str:
    return "no interval" if found is None else f"{found['inside']} of {found['n']}"


def _three(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
