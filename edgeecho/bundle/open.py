"""Opening a bundle or a lone ONNX file, and refusing what does not match its manifest."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from edgeecho.bundle.external import check_self_contained, check_shared
from edgeecho.bundle.files import MaskFile, ModelFile, SharedFile
from edgeecho.bundle.lone import describe_onnx
from edgeecho.bundle.manifest import MANIFEST_FILE, Manifest
from edgeecho.common.errors import ModelError
from edgeecho.common.files import parse_json, sha256_file

DEMO = Path(__file__).parents[1] / "models" / "demo"
"""The demo bundle, package data."""
EXAMPLE = DEMO.with_name("example.avi")
"""A phantom clip, package data, for commands that need some video."""
DEFAULT_VARIABLE = "EDGEECHO_MODEL"
"""Environment variable: the model of a machine on which nobody should have to name it."""


def default_model() -> Path:
    """What runs where no model is named: `$EDGEECHO_MODEL`, or else the demo bundle."""
    named = os.environ.get(DEFAULT_VARIABLE)
    return Path(named) if named else DEMO


def read_manifest(folder: Path) -> Manifest:
    """Read `folder/manifest.json`; `ModelError` where it is absent or malformed."""
    file = folder / MANIFEST_FILE
    if not file.is_file():
        if folder == DEMO:
            raise ModelError(
                "the demo model is not in this installation: "
                "install edgeecho again, or give a model of your own"
            )
        raise ModelError(
            f"{folder} is not a model bundle (no {MANIFEST_FILE}): "
            "make one with `edgeecho export`, or take the demo model"
        )
    try:
        value = parse_json(file.read_bytes())
    except ValueError as error:
        raise ModelError(f"{file} is not JSON ({error}): export the bundle again") from error
    if not isinstance(value, dict):
        raise ModelError(f"{file} is not a manifest: export the bundle again")
    return Manifest.from_dict(value)


def open_model(path: Path | None = None, *, precision: str | None = None) -> ModelFile:
    """Open a bundle folder, a lone `.onnx` file or (None) the default model.

    The artefact's bytes are hashed and compared with the manifest, so a file that was changed
    or damaged after export is a `ModelError`, as is everything else that cannot be used: an ONNX
    file with values in another file too, except for a shared graph, whose plain file has them.
    `precision` None: what a lone file has; of a bundle fp32, or the only one that it holds.
    """
    path = default_model() if path is None else path
    if path.is_file():
        return _open_onnx(path, precision)
    if not path.exists():
        raise ModelError(f"{path}: no such model: give a bundle folder or an .onnx file")
    manifest = read_manifest(path)
    precision = precision or _usual(manifest)
    artefact = manifest.artefacts.get(precision)
    if artefact is None:
        raise ModelError(
            f"{path} holds no {precision} model, only {', '.join(manifest.artefacts)}: "
            f"choose one of them, or export again with {precision}"
        )
    file = _verified(path, artefact.file, artefact.sha256)
    check_self_contained(file)
    shared = None
    if artefact.shared:
        both = _both(artefact.sha256, artefact.shared.sha256)
        graph = _verified(path, artefact.shared.file, artefact.shared.sha256)
        check_shared(graph, file)
        shared = SharedFile(graph, both, artefact.shared.cost)
    return ModelFile(
        path=file,
        sha256=artefact.sha256,
        name=manifest.name,
        version=manifest.version,
        precision=precision,
        preprocess=manifest.preprocess,
        trained_on=manifest.trained_on,
        uncertainty=manifest.uncertainty,
        shared=shared,
        skill=manifest.skill,
        assumed=manifest.assumed,
        segmentation=_segmentation(path, manifest, precision),
    )


def _segmentation(folder: Path, manifest: Manifest, precision: str) -> MaskFile | None:
    if manifest.segmentation is None:
        return None
    artefact = manifest.segmentation.artefacts[precision]
    file = _verified(folder, artefact.file, artefact.sha256)
    check_self_contained(file)
    architecture = str(manifest.segmentation.architecture["name"])
    return MaskFile(file, artefact.sha256, architecture, artefact.precision)


def check_files(model: ModelFile) -> None:
    """`ModelError` unless its files are as they were when it was opened, on another machine."""
    _verified(model.path.parent, model.path.name, model.sha256)
    if model.segmentation is not None:
        masks = model.segmentation
        _verified(masks.path.parent, masks.path.name, masks.sha256)
    if model.shared is not None:
        check_shared(model.shared.path, model.path)
        if _both(model.sha256, sha256_file(model.shared.path)) != model.shared.sha256:
            raise ModelError(f"{model.shared.path} is another one here: copy the bundle again")


def _both(plain: str, shared: str) -> str:
    return hashlib.sha256(f"{plain}{shared}".encode()).hexdigest()


def _verified(folder: Path, name: str, sha256: str) -> Path:
    file = folder / name
    if not file.is_file():
        raise ModelError(f"{folder} lacks {name}: the copy is incomplete, copy it again")
    found = sha256_file(file)
    if found != sha256:
        raise ModelError(
            f"{file} was changed after export (sha256 {found[:12]}…, manifest says "
            f"{sha256[:12]}…): copy the bundle again"
        )
    return file


def _usual(manifest: Manifest) -> str:
    # A bundle that was made for one precision (`edgeecho slim`) leaves no choice.
    return next(iter(manifest.artefacts)) if len(manifest.artefacts) == 1 else "fp32"


def _open_onnx(path: Path, precision: str | None) -> ModelFile:
    found = describe_onnx(path)
    if found.task == "segmentation":
        raise ModelError(
            f"{path} is a segmentation, which gives masks and no EF: give the bundle's folder"
        )
    if precision not in (None, found.precision):
        raise ModelError(f"{path} is {found.precision}, not {precision}: leave --precision out")
    return found
