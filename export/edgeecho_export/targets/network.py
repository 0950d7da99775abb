"""ONNX to an engine's bytes, in the same way by TensorRT and TensorRT-RTX.

The network is strongly typed: the ONNX file alone decides what is FP16 or INT8, and no builder
flag. No other way works in TensorRT 10.3 to 11.x and in TensorRT-RTX. The module is passed in;
differences are in `tensorrt.py` and, here, behind `_is_rtx`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from edgeecho.common.errors import EngineError, UsageError
from edgeecho_export.targets.library import RTX, TensorRTLibrary

_TURING = re.compile(r"operation '(?P<node>[^']*)' for Turing \(SM75\): (?P<what>.*?) is not sup")


@dataclass(frozen=True)
class Plan:
    """What an engine is built for."""

    batch: tuple[int, int, int]
    """Smallest, optimal and largest number of clips, or of frames for a segmentation."""
    capabilities: tuple[str, ...] = ()
    """`sm86`, ...: TensorRT-RTX only, which builds for GPUs that need not be here."""
    workspace_mb: int | None = None
    """TensorRT only: maximum scratch memory of a layer in MiB; None: all of the GPU's."""
    timing_cache: bytes | None = None
    """TensorRT only: that of an earlier build; empty: begin one; None: keep none."""
    frames: tuple[int, int, int] | None = None
    """For a shared graph: smallest, optimal and largest number of frames."""


@dataclass(frozen=True)
class Built:
    """An engine's bytes, and every line that the builder logged."""

    data: bytes
    log: tuple[str, ...]
    inspected: str = ""
    """TensorRT's own JSON report of the layers; TensorRT-RTX gives none without a GPU."""
    timing_cache: bytes = b""


def choose_capabilities(trt: Any, asked: Sequence[str]) -> tuple[str, ...]:
    """Check names such as `sm86` (`UsageError` lists the known ones); sort them, each once."""
    known = sorted(
        (name.lower() for name in trt.ComputeCapability.__members__ if name.startswith("SM")),
        key=lambda name: int(name[2:]),
    )
    wanted = {name.strip().lower() for name in asked} - {""}
    if not wanted or not wanted <= set(known):
        wrong = ", ".join(sorted(wanted - set(known)))
        raise UsageError(
            (f"--compute-capability {wrong} is not known" if wrong else "no --compute-capability")
            + f": TensorRT-RTX {trt.__version__} builds for {', '.join(known)}"
        )
    return tuple(name for name in known if name in wanted)


def parse_errors(trt: Any, onnx_bytes: bytes) -> tuple[str, ...]:
    """The errors that the parser of `trt` reports for an ONNX file; empty if it takes it."""
    logger = _logger(trt)
    builder = trt.Builder(logger)
    network = builder.create_network(_flags(trt))
    parser = trt.OnnxParser(network, logger)
    return () if parser.parse(onnx_bytes) else _errors(parser)


def build_engine(trt: Any, onnx_bytes: bytes, plan: Plan) -> Built:
    """Build the engine of a plain or shared graph, with its weights inside.

    `EngineError` gives the builder's reason if it refuses. With TensorRT-RTX nothing here needs a
    GPU; with TensorRT the caller probes CUDA first, since without a driver a builder can end the
    process.
    """
    logger = _logger(trt)
    builder = trt.Builder(logger)
    # Names keep all four alive until the engine is built: the bindings count no references.
    network = builder.create_network(_flags(trt))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx_bytes):
        raise EngineError(f"the ONNX file is refused: {'; '.join(_errors(parser))}")
    config = builder.create_builder_config()
    # For the layer report.
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    _forbid_tf32(trt, config)
    _set_profile(builder, network, config, plan)
    rtx = _is_rtx(trt)
    # A name keeps this alive too: it must outlive the build.
    cache = None if rtx else _configure(trt, config, plan)
    if plan.capabilities:
        config.num_compute_capabilities = len(plan.capabilities)
        for i, name in enumerate(plan.capabilities):
            if not config.set_compute_capability(getattr(trt.ComputeCapability, name.upper()), i):
                raise EngineError(f"{name} was refused by TensorRT-RTX {trt.__version__}")
    data = builder.build_serialized_network(network, config)
    if data is None:
        raise EngineError(_reason(logger.errors))
    data = bytes(data)
    return Built(
        data,
        tuple(logger.lines),
        inspected="" if rtx else _inspect(trt, logger, data),
        timing_cache=b"" if cache is None else bytes(cache.serialize()),
    )


def build_apart(library: TensorRTLibrary, onnx_bytes: bytes, plan: Plan) -> Built:
    """Run `build_engine` in its own process.

    After a build that it refused for sm75, TensorRT-RTX 1.7.1 silently makes the next INT8 build
    of the same process a float one; and a crash of the builder ends only that process.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(_build, library, onnx_bytes, plan).result()
        except BrokenProcessPool as error:
            raise EngineError("the builder's process ended: is there memory enough?") from error


def _build(library: TensorRTLibrary, onnx_bytes: bytes, plan: Plan) -> Built:
    return build_engine(library.load(), onnx_bytes, plan)


def _is_rtx(trt: Any) -> bool:
    return bool(trt.__name__ == RTX.engine.package)


def _flags(trt: Any) -> int:
    # In TensorRT-RTX every network is strongly typed, with or without the flag.
    if _is_rtx(trt):
        return 0
    return 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)


def _set_profile(builder: Any, network: Any, config: Any, plan: Plan) -> None:
    clip = network.get_input(0)
    shape = tuple(clip.shape)[1:]
    profile = builder.create_optimization_profile()
    if plan.frames is None:
        profile.set_shape(clip.name, *((size, *shape) for size in plan.batch))
    else:
        profile.set_shape(clip.name, *((1, shape[0], n, *shape[2:]) for n in plan.frames))
        profile.set_shape(network.get_input(1).name, *((size,) for size in plan.batch))
    if config.add_optimization_profile(profile) < 0:
        raise EngineError(
            f"a batch of {plan.batch} and clips of {shape} are no profile: choose others"
        )


def _forbid_tf32(trt: Any, config: Any) -> None:
    """Switch off TF32 (10 bits of mantissa), which both builders otherwise use for FP32.

    No layer report would show it: there TF32 layers are `Float`.
    """
    config.clear_flag(trt.BuilderFlag.TF32)
    if config.get_flag(trt.BuilderFlag.TF32):
        raise EngineError(f"{trt.__name__} {trt.__version__} insists on TF32: take another version")


def _configure(trt: Any, config: Any, plan: Plan) -> Any:
    """Set the options that only TensorRT has; return its timing cache, or None."""
    if plan.workspace_mb is not None:
        pool, size = trt.MemoryPoolType.WORKSPACE, plan.workspace_mb << 20
        config.set_memory_pool_limit(pool, size)
        # The setter returns nothing, and ignores a limit that it does not accept.
        if config.get_memory_pool_limit(pool) != size:
            raise EngineError(f"a workspace of {plan.workspace_mb} MB was refused: give another")
    if plan.timing_cache is None:
        return None
    cache = config.create_timing_cache(plan.timing_cache)
    if cache is None or not config.set_timing_cache(cache, False):
        raise EngineError(
            "the timing cache is damaged, or of another GPU or TensorRT: "
            "give --timing-cache another file"
        )
    return cache


def _inspect(trt: Any, logger: Any, data: bytes) -> str:
    """TensorRT's report of an engine's layers, for which the engine is loaded."""
    runtime = trt.Runtime(logger)
    engine = runtime.deserialize_cuda_engine(data)
    if engine is None:
        raise EngineError(f"TensorRT cannot load what it has built: {_reason(logger.errors)}")
    inspector = engine.create_engine_inspector()
    report = str(inspector.get_engine_information(trt.LayerInformationFormat.JSON))
    # A runtime must outlive its engine, but Python would free it first.
    del inspector, engine
    return report


def _errors(parser: Any) -> tuple[str, ...]:
    found = (parser.get_error(i) for i in range(parser.num_errors))
    return tuple(f"{e.node_name() or 'a tensor'}: {' '.join(e.desc().split())}" for e in found)


def _reason(errors: Sequence[str]) -> str:
    for error in errors:
        if lacking := _TURING.search(error):
            return (
                f"{lacking['node']} is FP32, and sm75 (Turing) has no {lacking['what']}: "
                "leave sm75 out (every precision of edgeecho keeps at least the head in FP32)"
            )
    return " ".join(errors[-1].split()) if errors else "the builder gave no reason"


def _logger(trt: Any) -> Any:
    class Log(trt.ILogger):  # type: ignore[misc]
        """Keeps the builder's messages; those below warning contain the layers."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.lines: list[str] = []
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            self.lines += message.splitlines()
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                self.errors.append(message)

    return Log()
