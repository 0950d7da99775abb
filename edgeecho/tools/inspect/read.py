"""Recognising and inspecting a bundle, an ONNX file, or a checkpoint (through a plug-in)."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from edgeecho.bundle import (
    DEMO,
    Manifest,
    ModelFile,
    default_model,
    describe_onnx,
    open_model,
    read_manifest,
)
from edgeecho.bundle.external import check_self_contained
from edgeecho.bundle.manifest import METADATA_KEY
from edgeecho.common.errors import MissingDependencyError, ModelError
from edgeecho.common.files import looks_like_safetensors, sha256_file
from edgeecho.common.plugins import load_plugin
from edgeecho.engines.openvino.core import core
from edgeecho.tools.inspect.graph import network_stages
from edgeecho.tools.inspect.types import WHOLE, Inspection, NetworkStage

_COUNTED = "weights and biases of convolutions and matrix products"
# torch.save writes zip archives, and before torch 1.6 a pickle. An ONNX file is a protobuf message
# that begins with field 1, the IR version. The suffix is ignored.
_CHECKPOINT = (b"PK", b"\x80")
_ONNX = b"\x08"


def inspect_model(path: Path | None = None) -> Inspection:
    """Inspect a checkpoint, a bundle folder, an ONNX file or (None) the default model.

    `ModelError` for anything else or if it is damaged (a bundle's hashes are verified),
    `MissingDependencyError` for a checkpoint if torch is not installed.
    """
    path = default_model() if path is None else path
    if path.is_dir() or path == DEMO:
        return _inspect_bundle(path)
    if not path.is_file():
        raise ModelError(
            f"{path}: no such model: give a checkpoint, a bundle folder or an ONNX file"
        )
    head = _first_bytes(path)
    if looks_like_safetensors(head) or head.startswith(_CHECKPOINT):
        return _checkpoint_inspector()(path)
    if head.startswith(_ONNX):
        return _inspect_onnx(path)
    raise ModelError(
        f"{path} is neither a checkpoint nor an ONNX file: "
        "give one of them, or a folder that `edgeecho export` wrote"
    )


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(9)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error


def _inspect_bundle(folder: Path) -> Inspection:
    manifest = read_manifest(folder)
    files = {p: open_model(folder, precision=p) for p in manifest.artefacts}
    shown = files.get("fp32") or next(iter(files.values()), None) or open_model(folder)
    stages = network_stages(_read_graph(shown.path))
    trained = manifest.architecture.get("parameters")
    counted = _counted(shown.path, stages, trained)
    if pad := manifest.architecture.get("padded_to"):
        counted += f"; channels that it pads with zeros to a multiple of {pad} count too"
    return Inspection(
        kind="bundle",
        file=folder.resolve().name,
        sha256=None,
        stages=stages,
        counted=counted,
        name=manifest.name,
        version=manifest.version,
        architecture=manifest.architecture,
        preprocess=manifest.preprocess.to_dict(),
        preprocess_sha256=manifest.preprocess.sha256(),
        trained_on=manifest.trained_on,
        provenance=manifest.provenance,
        artefacts=tuple(manifest.artefacts.values()),
        segmentation=_segmentation(manifest, shown),
        unknown=(*_unknown_stages(stages), *manifest.warnings),
    )


def _segmentation(manifest: Manifest, shown: ModelFile) -> Inspection | None:
    found = manifest.segmentation
    if found is None or shown.segmentation is None:
        return None
    path = shown.segmentation.path
    stages = network_stages(_read_graph(path))
    return Inspection(
        kind="segmentation",
        file=path.name,
        sha256=None,
        stages=stages,
        counted=_counted(path, stages, found.architecture.get("parameters")),
        architecture={"task": "segmentation", **found.architecture},
        trained_on=found.trained_on,
        provenance=found.provenance,
        artefacts=tuple(found.artefacts.values()),
        unknown=_unknown_sizes(stages),
    )


def _counted(path: Path, stages: tuple[NetworkStage, ...], trained: object) -> str:
    folded = trained != sum(stage.parameters for stage in stages)
    folds = ", into which export folds the batch norms" if folded else ""
    return f"{_COUNTED} in {path.name}{folds}"


def _inspect_onnx(path: Path) -> Inspection:
    check_self_contained(path)
    model = _read_graph(path)
    properties = model.get_rt_info()
    ours = "framework" in properties and METADATA_KEY in properties["framework"]
    stages = network_stages(model)
    facts: dict[str, Any] = {}
    unknown: list[str] = []
    if ours:
        found = describe_onnx(path)
        if found.task == "segmentation":
            facts["architecture"] = {"task": found.task}
            unknown += _unknown_sizes(stages)
        else:
            unknown += _unknown_stages(stages)
        facts |= {
            "name": found.name,
            "version": found.version,
            "precision": found.precision,
            "preprocess": found.preprocess.to_dict(),
            "preprocess_sha256": found.preprocess.sha256(),
        }
        origin = "see the manifest.json of its bundle"
    else:
        unknown += _unknown_stages(stages)
        unknown.append(
            "preprocessing: the file was not written by `edgeecho export`, "
            "and `edgeecho infer` refuses it"
        )
        origin = "the file does not say"
    drift = "drift of its masks" if "architecture" in facts else "EF drift"
    unknown.append(f"what it was trained on, parameters as trained, {drift}: {origin}")
    return Inspection(
        kind="onnx",
        file=path.name,
        sha256=sha256_file(path),
        stages=stages,
        counted=f"{_COUNTED}; batch norms that are folded into these are not counted apart",
        unknown=tuple(unknown),
        **facts,
    )


def _read_graph(path: Path) -> Any:
    try:
        return core().read_model(path)
    except RuntimeError as error:
        # OpenVINO's reason is in the last line, after its source lines.
        reason = str(error).strip().splitlines()[-1].strip(" -.")
        raise ModelError(
            f"{path} is not an ONNX model that OpenVINO can read ({reason}): "
            "copy it again or export it again"
        ) from error


def _unknown_stages(stages: tuple[NetworkStage, ...]) -> tuple[str, ...]:
    unknown = []
    if stages[0].name == WHOLE:
        unknown.append("stages: the weights are not named as in torchvision's r2plus1d_18")
    return (*unknown, *_unknown_sizes(stages))


def _unknown_sizes(stages: tuple[NetworkStage, ...]) -> tuple[str, ...]:
    open_sizes = any(stage.macs is None for stage in stages)
    return ("GMAC: the file leaves the size of its input open",) if open_sizes else ()


def _checkpoint_inspector() -> Callable[[Path], Inspection]:
    what = "`edgeecho inspect` of a checkpoint"
    for entry in entry_points(group="edgeecho.inspectors", name="checkpoint"):
        # Reading needs torch only, not the other packages of the extra.
        inspector: Callable[[Path], Inspection] = load_plugin(entry, what, whole_extra=False)
        return inspector
    raise MissingDependencyError(
        f"{what} needs the stage edgeecho_export, which is not in this installation: "
        "pip install --force-reinstall 'edgeecho[export]'"
    )
