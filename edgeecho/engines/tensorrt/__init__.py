"""TensorRT 10.3 to 11.x, and TensorRT-RTX, which has the same API under another name.

Both run plans that `edgeecho build` made from a bundle's ONNX file, see `built`.
"""

from __future__ import annotations

from functools import partial

from edgeecho.bundle import ModelFile
from edgeecho.common.precisions import PRECISIONS
from edgeecho.engines.base import Engine
from edgeecho.engines.descriptor import EngineDescriptor

TENSORRT, RTX = "tensorrt", "tensorrt-rtx"


def _open(
    engine: EngineDescriptor,
    model: ModelFile,
    _threads: int,
    _cached: bool,
    *,
    kind: str,
    cuda_graph: bool = False,
) -> Engine:
    from edgeecho.engines.tensorrt.engine import TensorRTEngine
    from edgeecho.engines.tensorrt.shared import TensorRTSharedEngine

    if model.shared is not None and model.path == model.shared.path:
        return TensorRTSharedEngine(engine, model, kind)
    return TensorRTEngine(engine, model, kind, cuda_graph=cuda_graph)


def _refuses(model: ModelFile, *, kind: str) -> str | None:
    from edgeecho.engines.tensorrt.library import obstacle

    return obstacle(model, kind)


def _load(_engine: EngineDescriptor, *, kind: str) -> str:
    from edgeecho.engines.tensorrt.library import load_library

    return load_library(kind)


def _arithmetic(precision: str) -> str:
    """The head is always FP32, and f32 is never TF32: see `edgeecho_export.targets.network`."""
    return PRECISIONS[precision].arithmetic


def _describe(
    name: str,
    kind: str,
    install: str,
    runs_on: str,
    *,
    auto: int | None = None,
    cuda_graph: bool = False,
    builder: str | None = None,
) -> EngineDescriptor:
    return EngineDescriptor(
        name,
        package=kind.replace("-", "_"),
        install=install,
        runs_on=runs_on,
        open=partial(_open, kind=kind, cuda_graph=cuda_graph),
        device="nvidia",
        auto=auto,
        refuses=partial(_refuses, kind=kind),
        probe=partial(_load, kind=kind),
        arithmetic=_arithmetic,
        builder=builder,
        # Recorded launches have one shape, and videos differ in length.
        shares=not cuda_graph,
    )


_INSTALL = "pip install 'edgeecho[tensorrt]', and TensorRT 10.3 or later from JetPack or NVIDIA"
_ON_IT = "NVIDIA GPU, engine built on it by `edgeecho build`"
_BUILDERS = "edgeecho_export.targets.tensorrt"
ENGINES = (
    _describe(
        TENSORRT,
        TENSORRT,
        _INSTALL,
        _ON_IT,
        auto=0,
        builder=f"{_BUILDERS}:TENSORRT",
    ),
    _describe("tensorrt-graph", TENSORRT, _INSTALL, _ON_IT, cuda_graph=True),
    _describe(
        RTX,
        RTX,
        "pip install 'edgeecho[tensorrt-rtx]'",
        "NVIDIA RTX GPU, engine built for it by `edgeecho build`",
        auto=1,
        builder=f"{_BUILDERS}:RTX",
    ),
)
