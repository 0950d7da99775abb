"""Reading the checkpoint of a segmentation: ours, or EchoNet-Dynamic's release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from edgeecho.common.errors import ModelError, UsageError
from edgeecho.common.files import sha256_file
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.checkpoint import FORMAT, SEGMENTATION, check_task, load_file, trained_on
from edgeecho_train.segmentation.network import build_segmentation

RELEASED = "deeplabv3_resnet50"
"""The network of EchoNet-Dynamic's release."""
RELEASED_SHA256 = "b32ea45b8200e11298ff4021166ff8d187204fb0c27a937bcdb4c518ffcbe1ed"
"""Of deeplabv3_resnet50_random.pt, as one user published it; the release itself gives none."""
# The fields of the preprocessing that say what a frame is; the others say which frames a clip has.
_FRAME = ("mean", "std", "size", "time", "fit", "interpolation")


@dataclass(frozen=True)
class LoadedSegmentation:
    """A segmentation network, ready for export."""

    network: nn.Module
    """In eval mode, on the CPU: `(n, 3, S, S)` -> in `out` logits `(n, 1, S, S)`."""
    name: str
    """Of torchvision."""
    width: float
    sha256: str
    training: Mapping[str, Any] | None
    """What training recorded; None for a checkpoint that is not ours."""

    @property
    def recognised(self) -> str:
        """Whether it is the released file, in words."""
        if self.sha256 == RELEASED_SHA256:
            return (
                "EchoNet-Dynamic's released deeplabv3_resnet50_random.pt, by the sha256 that one "
                "user published of it"
            )
        return (
            f"not recognised: its sha256 {self.sha256[:12]}… is not the one that a user published "
            f"of the released file ({RELEASED_SHA256[:12]}…)"
        )

    @property
    def trained_on(self) -> str:
        """One sentence."""
        return trained_on(self.training)


def read_segmentation(path: Path, spec: PreprocessSpec) -> LoadedSegmentation:
    """Read a checkpoint whose network gets the frames of `spec`, the EF network's.

    `ModelError` if it is no segmentation, `UsageError` if it was trained on other frames. A release
    does not say what it was trained on; its frames are taken to be those of the EF network.
    """
    value = load_file(path)
    if ours := value.get("format") == FORMAT:
        check_task(path, value, SEGMENTATION)
        _check_frames(path, value, spec)
    weights = value.get("state_dict", value)
    if not isinstance(weights, Mapping) or not all(isinstance(v, Tensor) for v in weights.values()):
        raise ModelError(f"{path} holds no state dict: it is not a segmentation's checkpoint")
    if not any(str(name).removeprefix("module.").startswith("backbone.") for name in weights):
        raise ModelError(f"{path} holds no segmentation network: give the checkpoint of one")
    name: Any = value.get("architecture") if ours else RELEASED
    width: Any = value.get("width") if ours else 1.0
    weights = {str(k).removeprefix("module."): v for k, v in weights.items()}
    network = _network(path, name, width, weights)
    return LoadedSegmentation(
        network.eval(), name, width, sha256_file(path), value["provenance"] if ours else None
    )


def _network(path: Path, name: Any, width: Any, weights: Mapping[str, Tensor]) -> nn.Module:
    try:
        network = build_segmentation(name, width)
    except (LookupError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path} is a {name!s:.40} of width {width!s:.10}, which this version does not know: "
            "upgrade edgeecho"
        ) from error
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"{path} does not fit a {name}: {reason}") from error
    return network


def _check_frames(path: Path, value: Mapping[str, Any], spec: PreprocessSpec) -> None:
    try:
        own = PreprocessSpec.from_dict(value["preprocess"])
    except KeyError as error:
        raise ModelError(f"{path} lacks {error}: train it again") from error
    differ = [name for name in _FRAME if getattr(own, name) != getattr(spec, name)]
    if differ:
        raise UsageError(
            f"{path} was trained on other frames than the EF network ({differ[0]} is "
            f"{getattr(own, differ[0])}, not {getattr(spec, differ[0])}): train it with --like and "
            "the EF network's checkpoint"
        )
