"""The model card, rendered from the manifest alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeecho.bundle.assumed import assumed_in
from edgeecho.bundle.card_beats import beats_section
from edgeecho.bundle.card_drift import drift_section
from edgeecho.bundle.card_groups import groups_section
from edgeecho.bundle.card_segmentation import segmentation_section
from edgeecho.bundle.manifest import CARD_FILE, MANIFEST_FILE, Manifest
from edgeecho.bundle.skill import LEAST_VIDEOS, Skill
from edgeecho.common.errors import ModelError
from edgeecho.common.files import write_json, write_text


def write_manifest(bundle: Path, manifest: Manifest) -> None:
    """Write `manifest` and its card into the folder `bundle`; neither if the card is impossible."""
    card = render_card(manifest)
    write_json(bundle / MANIFEST_FILE, manifest.to_dict())
    write_text(bundle / CARD_FILE, card)


def render_card(manifest: Manifest) -> str:
    """Render the manifest as Markdown, most important facts first.

    `ModelError` if an entry lacks a field or has it in another form: measurements are kept as they
    were written, perhaps by another version of edgeecho.
    """
    try:
        return _render(manifest)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(
            f"the manifest of {manifest.name} holds something that its card cannot say "
            f"({type(error).__name__}: {error}): export the bundle again"
        ) from error


def _render(manifest: Manifest) -> str:
    sections = [
        _title(manifest),
        f"**Research use only, not for diagnosis.** Trained on: {manifest.trained_on}",
        *(f"**Warning:** {warning}." for warning in manifest.warnings),
        f"Intended use: {manifest.intended_use}",
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in manifest.limits),
        "## Model\n\n" + _model(manifest),
        "## Training\n\n" + _training(manifest.provenance),
        "## Measured EF drift against PyTorch\n\n" + drift_section(manifest),
        *(
            ["## Segmentation\n\n" + segmentation_section(manifest.segmentation)]
            if manifest.segmentation
            else []
        ),
        "## Skill\n\n" + _skill(manifest.skill),
        "## Evaluation\n\n"
        + _evaluation(manifest)
        + groups_section(manifest)
        + beats_section(manifest),
        "## Uncertainty and gates\n\n" + _uncertainty(manifest.uncertainty),
    ]
    return "\n\n".join(sections) + "\n"


def _title(manifest: Manifest) -> str:
    # Many readers read no further than this line.
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
            *(
                f"- {what}, which the checkpoint does not say: {source}"
                for what, source in assumed_in(manifest.provenance).items()
            ),
            f"- checkpoint sha256 {manifest.provenance['checkpoint_sha256']}",
        ]
    )


def _training(provenance: Mapping[str, Any]) -> str:
    training = provenance["training"]
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
        for row in training["result"]
    ]
    if line := training.get("recalibrated"):
        lines.append(
            f"- afterwards EF = {line['slope']:.4f} x answer {line['intercept']:+.3f} was folded "
            f"into the head, a line through {line['n']} validation videos"
        )
    return "\n".join(lines)


def _skill(skill: Skill | None) -> str:
    if skill is None:
        return "Not measured yet: `edgeecho evaluate DATA --model BUNDLE --record`."
    return (
        f"MAE {skill.mae:.2f} EF points on {skill.n} {skill.data} ({skill.how}); that of always "
        f"answering their median EF, the best constant: {skill.mae_of_constant:.2f}. The gain is "
        f"{skill.gain:+.2f}, with a lower bound of {skill.low:+.2f} (one-sided, 95 %, bootstrap). "
        f"Skill is shown by {LEAST_VIDEOS} videos or more and a lower bound above 0."
    )


def _evaluation(manifest: Manifest) -> str:
    if not manifest.evaluation:
        return "Not evaluated yet: `edgeecho evaluate DATA --model BUNDLE --record`."
    rows = [
        f"| {e['data']} | {e['split']} | {e['n']} | {e['clips']} | {e['precision']} on "
        f"{e['engine']} | {e['mae']:.2f} | {e['rmse']:.2f} | {_three(e['correlation'])} | "
        f"{_three(e['r2'])} | {e['mae_of_mean']:.2f} | {_covered(e['coverage'])} | "
        f"{e['refused']} |"
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
            "Never measured on this network: no interval is given, and only the gates that need no "
            "calibration are applied. `edgeecho calibrate trust DATA --model BUNDLE` measures it."
        )
    widths = "\n".join(f"| {mode} | {v:.2f} |" for mode, v in entry["half_width"].items())
    usual = ", for a video of usual difficulty" if "difficulty" in entry["method"] else ""
    limits = "\n".join(f"| {name} | {v:.4g} |" for name, v in entry["thresholds"].items())
    return "\n\n".join(
        [
            f"{entry['method']}, level {entry['level']:.0%}, on {entry['n']} of {entry['videos']} "
            f"{entry['split']} videos of: {entry['data']} (FileList.csv sha256 "
            f"{entry['file_list_sha256'][:12]}), {entry['precision']} on {entry['engine']}. "
            "It holds for videos of this kind and for no others." + _coverage(entry),
            f"| clips | half the interval's width, EF points{usual} |\n|---|---|\n" + widths,
            "Thresholds that were learned from the same videos; docs/trust.md says what each gate "
            "sees, and gives those that need no calibration.",
            "| gate | threshold |\n|---|---|\n" + limits,
        ]
    )


def _coverage(entry: Mapping[str, Any]) -> str:
    if "coverage" not in entry:
        return ""
    low, high = entry["coverage"]
    return (
        f" From so many videos, the share of new ones whose truth it holds lies between {low:.1%} "
        f"and {high:.1%} (in nine of ten such calibrations)."
    )


def _covered(found: Mapping[str, Any] | None) -> str:
    return "no interval" if found is None else f"{found['inside']} of {found['n']}"


def _three(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
