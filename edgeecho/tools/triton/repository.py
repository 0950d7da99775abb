"""A model repository on disk.

edgeecho/            files in, answers out: gates, interval; 1/bundle is the bundle
edgeecho-clips/      the network
edgeecho-shared/     the graph for overlapping clips, if the bundle has one
edgeecho-masks/      the segmentation, if it has one
"""

from __future__ import annotations

import shutil
from pathlib import Path

from edgeecho.bundle import ModelFile, open_model, slim
from edgeecho.common.errors import ModelError, UsageError
from edgeecho.common.files import atomic_folder
from edgeecho.tools.triton import config
from edgeecho.tools.triton.answering import BUNDLE
from edgeecho.tools.triton.config import ANSWERS, BACKENDS, CLIPS, MASKS, SHARED
from edgeecho.tools.triton.readme import readme

CONFIG = "config.pbtxt"
_CODE = "from edgeecho.tools.triton.{module} import TritonPythonModel\n\n__all__ = [{name}]\n"


def write_repository(
    bundle: Path,
    out: Path,
    *,
    precision: str | None,
    backend: str,
    instances: int,
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Write the models of a bundle; return their names.

    `backend` runs the networks, `instances` processes read videos. `ModelError` if the bundle
    cannot be used, `UsageError` if there is no such backend or `out` exists.
    """
    if backend not in BACKENDS:
        raise UsageError(f"--backend {backend!r} is not known: choose {', '.join(BACKENDS)}")
    if not bundle.is_dir():
        raise ModelError(f"{bundle} is no bundle folder: its manifest is needed, for the gates")
    model = open_model(bundle, precision=precision)
    spec = model.preprocess
    # TensorRT's plans are made on the GPU: one of a shared graph has never been tried.
    shares = model.shared is not None and backend != "tensorrt"
    with atomic_folder(out, marker=f"{ANSWERS}/{CONFIG}", overwrite=overwrite) as folder:
        answers = _model(folder, ANSWERS, model, config.answers(backend, instances))
        slim(bundle, answers / BUNDLE, [model.precision])
        _python(answers, "answering")
        clips = _model(
            folder, CLIPS, model, config.clips(spec, backend, _name(model.path, backend))
        )
        _network(clips, backend, model.path)
        if model.shared is not None and shares:
            graph = model.shared.path
            there = _model(folder, SHARED, model, config.shared(spec, backend, graph.name))
            _network(there, backend, graph, model.path)  # which has its weights
        if model.segmentation is not None:
            path = model.segmentation.path
            text = config.masks(spec, backend, _name(path, backend))
            _network(_model(folder, MASKS, model, text), backend, path)
        (folder / "README.md").write_text(readme(model, backend), encoding="utf-8")
        return tuple(sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}")))


def _name(path: Path, backend: str) -> str:
    return path.with_suffix(BACKENDS[backend]).name


def _model(folder: Path, name: str, model: ModelFile, text: str) -> Path:
    """The folder of its version, which is the bundle's where that is a number."""
    version = model.version if model.version.isdecimal() and int(model.version) else "1"
    there = folder / name / version
    there.mkdir(parents=True)
    (folder / name / CONFIG).write_text(text, encoding="utf-8")
    return there


def _network(there: Path, backend: str, *files: Path) -> None:
    if backend == "python":
        _python(there, "networks")
    else:
        for file in files:
            shutil.copyfile(file, there / file.name)


def _python(there: Path, module: str) -> None:
    code = _CODE.format(module=module, name='"TritonPythonModel"')
    (there / "model.py").write_text(code, encoding="utf-8")
