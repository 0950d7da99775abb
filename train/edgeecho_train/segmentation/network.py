"""Segmentation networks of torchvision with one output: its classes, and its state-dict keys."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from edgeecho.common.errors import UsageError
from edgeecho_train.recipe import SEGMENTATION_NETWORKS

# The recipe has them, because the command line names them without torch.
NETWORKS = SEGMENTATION_NETWORKS


def build_segmentation(name: str) -> nn.Module:
    """A network with random weights: `(n, 3, S, S)` -> in `out` logits `(n, 1, S, S)`.

    `deeplabv3_resnet50` has the shapes of EchoNet-Dynamic's release.
    """
    from torchvision.models import segmentation

    build = {name: getattr(segmentation, name) for name in NETWORKS}[name]
    # Nothing is downloaded.
    network: nn.Module = build(weights=None, weights_backbone=None, num_classes=1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            # torchvision's MobileNet has 0.01, for runs of many thousand steps: after a few hundred
            # the running statistics would still be those that it begins with.
            module.momentum = 0.1
    return network


def load_weights(network: nn.Module, name: str, weights: Mapping[str, Tensor]) -> None:
    """Load a whole state dict; `UsageError` if it is of another network."""
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(
            f"--init holds the weights of another network than {name}: give --network as there"
        ) from error
