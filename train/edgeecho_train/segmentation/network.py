"""Segmentation networks of torchvision with one output: its classes, and its state-dict keys."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torchvision.models import segmentation
from torchvision.models.mobilenetv3 import InvertedResidualConfig, MobileNetV3
from torchvision.models.segmentation.lraspp import LRASPPHead

from edgeecho.common.errors import UsageError
from edgeecho_train.recipe import LIGHT_NETWORK, SEGMENTATION_NETWORKS

# The recipe has them, because the command line names them without torch.
NETWORKS = SEGMENTATION_NETWORKS

# MobileNetV3-Large with a dilated last stage, as torchvision builds it for LR-ASPP: channels in,
# kernel, channels within, channels out, squeeze and excitation, activation, stride, dilation.
_BLOCKS = (
    (16, 3, 16, 16, False, "RE", 1, 1),
    (16, 3, 64, 24, False, "RE", 2, 1),
    (24, 3, 72, 24, False, "RE", 1, 1),
    (24, 5, 72, 40, True, "RE", 2, 1),
    (40, 5, 120, 40, True, "RE", 1, 1),
    (40, 5, 120, 40, True, "RE", 1, 1),
    (40, 3, 240, 80, False, "HS", 2, 1),
    (80, 3, 200, 80, False, "HS", 1, 1),
    (80, 3, 184, 80, False, "HS", 1, 1),
    (80, 3, 184, 80, False, "HS", 1, 1),
    (80, 3, 480, 112, True, "HS", 1, 1),
    (112, 3, 672, 112, True, "HS", 1, 1),
    (112, 5, 672, 160, True, "HS", 2, 2),
    (160, 5, 960, 160, True, "HS", 1, 2),
    (160, 5, 960, 160, True, "HS", 1, 2),
)
_HEAD_CHANNELS = 128


def build_segmentation(name: str, width: float = 1.0) -> nn.Module:
    """A network with random weights: `(n, 3, S, S)` -> in `out` logits `(n, 1, S, S)`.

    `deeplabv3_resnet50` has the shapes of EchoNet-Dynamic's release. `width` multiplies the channel
    counts of the light network, rounded to multiples of 8 as torchvision does. `ValueError` for a
    width that the network cannot have.
    """
    if not 0 < width <= 1 or (width != 1 and name != LIGHT_NETWORK):
        raise ValueError(f"there is no {name} of width {width}")
    build = {name: getattr(segmentation, name) for name in NETWORKS}[name]
    # Nothing is downloaded.
    network: nn.Module = build(weights=None, weights_backbone=None, num_classes=1)
    if width != 1:
        _narrow(network, width)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            # torchvision's MobileNet has 0.01, for runs of many thousand steps: after a few hundred
            # the running statistics would still be those that it begins with.
            module.momentum = 0.1
    return network


def _narrow(network: nn.Module, width: float) -> None:
    """Put layers of fewer channels in the place of the network's own.

    torchvision's function for this network knows one width; its classes know any.
    """
    blocks = [InvertedResidualConfig(*block, width_mult=width) for block in _BLOCKS]
    # The classifier, which is not used, is made as small as it can be.
    features = MobileNetV3(blocks, last_channel=1, num_classes=1).features
    backbone = network.backbone
    assert isinstance(backbone, nn.ModuleDict)
    backbone.update(features.named_children())
    # Where in the network the head takes its low and high features from.
    low, high = (features.get_submodule(index).out_channels for index in backbone.return_layers)
    within = InvertedResidualConfig.adjust_channels(_HEAD_CHANNELS, width)
    network.classifier = LRASPPHead(low, high, 1, within)


def load_weights(network: nn.Module, name: str, weights: Mapping[str, Tensor]) -> None:
    """Load a whole state dict; `UsageError` if it is of another network."""
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(
            f"--init holds the weights of another network than this {name}: "
            "give --network and --width as there"
        ) from error
