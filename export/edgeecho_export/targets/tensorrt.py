"""The builders of TensorRT, for this machine's GPU, and of TensorRT-RTX, for any RTX GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeecho.common.errors import UsageError
from edgeecho_export.targets import library
from edgeecho_export.targets.builder import BuildOptions
from edgeecho_export.targets.library import TensorRTLibrary

if TYPE_CHECKING:
    from edgeecho_export.targets.written import Published


@dataclass(frozen=True)
class TensorRTBuilder:
    """The builder of one of the two libraries; see `Builder`."""

    library: TensorRTLibrary

    def check(self, options: BuildOptions) -> None:
        if not self.library.needs_gpu and (options.workspace_mb or options.timing_cache):
            raise UsageError(
                "--workspace-mb and --timing-cache are of --engine tensorrt: leave them"
            )
        if self.library.needs_gpu and options.compute_capability:
            raise UsageError(
                "--engine tensorrt builds for the GPU here: leave --compute-capability"
            )

    def load(self) -> Any:
        return self.library.load()

    def build(self, bundle: Path, precision: str, options: BuildOptions) -> Sequence[str]:
        """See `Builder.build`; errors as in `build_rtx` and `build_tensorrt`."""
        from edgeecho_export.targets.publish import build_rtx, build_tensorrt

        if self.library.needs_gpu:
            published = build_tensorrt(
                bundle,
                precision,
                options.batch,
                workspace_mb=options.workspace_mb,
                timing_cache=options.timing_cache,
                shared=options.shared,
            )
        else:
            capabilities = options.compute_capability.split(",")
            published = build_rtx(
                bundle, precision, capabilities, options.batch, shared=options.shared
            )
        return [line for one in (*published.others, published) for line in _lines(one)]


def _lines(published: Published) -> list[str]:
    sidecar, report = published.sidecar, published.report
    inputs = ", ".join(f"{count} {kind}" for kind, count in report.inputs().most_common())
    size = published.path.stat().st_size / 1e6
    targets = ", ".join((*filter(None, [sidecar.gpu]), *sidecar.compute_capabilities))
    memory = report.activation_bytes
    check = f"edgeecho verify BUNDLE --engine {sidecar.kind} --precision {sidecar.precision}"
    return [
        f"wrote {published.path} ({size:.1f} MB)",
        f"  {sidecar.precision} from {sidecar.onnx_file}, sha256 {sidecar.onnx_sha256[:12]}",
        f"  {sidecar.kind} {sidecar.version} for {targets}; "
        f"batch {', '.join(map(str, sidecar.batch))}",
        f"  {report.layers} layers, {report.moving} of which only move or convert data; "
        f"activation memory {'not told' if memory is None else f'{memory / 1e6:.0f} MB'}",
        f"  inputs of the convolutions: {inputs or 'not told by this TensorRT'}",
        f"  built, not run yet: {check}"
        if sidecar.gpu
        else f"  built, not run: no GPU has seen this engine yet; there: {check}",
    ]


TENSORRT = TensorRTBuilder(library.TENSORRT)
RTX = TensorRTBuilder(library.RTX)
