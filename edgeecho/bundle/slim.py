"""Copying a bundle with only what a device runs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeecho.bundle.card import write_manifest
from edgeecho.bundle.manifest import MANIFEST_FILE, Manifest
from edgeecho.bundle.open import open_model, read_manifest
from edgeecho.bundle.segmentation import Segmentation
from edgeecho.common.errors import ModelError
from edgeecho.common.files import atomic_folder, sha256_file


def slim(
    bundle: Path, out: Path, precisions: Sequence[str], *, overwrite: bool = False
) -> Manifest:
    """Copy `bundle` to `out` with the models of `precisions` and without reference clips.

    All measurements stay in the manifest and the model card. Built engines are not copied, because
    they belong to one machine. `ModelError` if the bundle lacks a precision or is damaged,
    `UsageError` if `out` exists.
    """
    manifest = read_manifest(bundle)
    absent = [p for p in precisions if p not in manifest.artefacts]
    if absent:
        raise ModelError(
            f"{bundle} holds no {absent[0]} model, only {', '.join(manifest.artefacts)}: "
            "choose one of them"
        )
    references = _without_file(manifest.references)
    kept = replace(
        manifest,
        artefacts={p: manifest.artefacts[p] for p in manifest.artefacts if p in precisions},
        references=references,
        segmentation=_kept(manifest.segmentation, precisions),
    )
    with atomic_folder(out, marker=MANIFEST_FILE, overwrite=overwrite) as folder:
        for precision in kept.artefacts:
            model = open_model(bundle, precision=precision)
            for file in (model, model.shared, model.segmentation):
                if file is not None:
                    shutil.copyfile(file.path, folder / file.path.name)
        if kept.uncertainty:
            _copy_measured(bundle, folder, kept.uncertainty)
        write_manifest(folder, kept)
        for precision in kept.artefacts:
            open_model(folder, precision=precision)
    return kept


def _kept(found: Segmentation | None, precisions: Sequence[str]) -> Segmentation | None:
    if found is None:
        return None
    artefacts = {p: artefact for p, artefact in found.artefacts.items() if p in precisions}
    return replace(found, artefacts=artefacts, references=_without_file(found.references))


def _without_file(references: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in references.items() if k not in ("file", "sha256")}


def _copy_measured(bundle: Path, folder: Path, entry: Mapping[str, Any]) -> None:
    name = str(entry["file"])
    file = bundle / name
    if Path(name).name != name or not file.is_file() or sha256_file(file) != entry["sha256"]:
        raise ModelError(
            f"{bundle} lacks the {name} that its manifest names: copy the bundle again, or run "
            "`edgeecho calibrate trust` again"
        )
    shutil.copyfile(file, folder / name)
