"""Layers that INT8 is to leave in float, checked before the work begins."""

from __future__ import annotations

from collections.abc import Collection

from torch import nn

from edgeecho.common.errors import UsageError
from edgeecho_export.probe import STEM


def check_layers(network: nn.Module, layers: Collection[str]) -> None:
    """`UsageError` where a layer is not of `network`, or where they are all that INT8 quantizes."""
    quantized = {
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv3d) and not name.startswith(STEM)
    }
    again = "make the analysis again with `edgeecho calibrate sensitivity`"
    if unknown := sorted(set(layers) - quantized):
        raise UsageError(f"--float-layers: {unknown[0]} is no layer of this network; {again}")
    if layers and set(layers) == quantized:
        raise UsageError(f"--float-layers leaves nothing for INT8: use FP16, or {again}")
