"""R(2+1)D-18 with one output, at torchvision's width or narrower.

This is the network of Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action
Recognition" (CVPR 2018), as in torchvision: the same blocks and state-dict keys and, at width 1,
the same shapes. It is defined here because torchvision hard-codes the widths.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torchvision.models.video.resnet import BasicBlock, Conv2Plus1D

ARCHITECTURE = "r2plus1d_18"
_PLANES = (64, 128, 256, 512)
_STEM_PLANES = 45
# The published initial bias of the last layer, about the mean EF of EchoNet-Dynamic.
_EF_BIAS = 55.6


class R2Plus1D18(nn.Module):
    """Normalised clips `(n, 3, T, H, W) float32` -> EF in % `(n,)`.

    `width` multiplies every channel count: 1 gives torchvision's 31,300,638 parameters (with one
    output), 0.25 about a sixteenth of them. It is rounded to a multiple of 1/64.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        narrowest = round(_PLANES[0] * width)
        if narrowest < 4:
            raise ValueError(f"width {width} leaves fewer than 4 channels; use at least 0.0625")
        # All other counts derive from the narrowest, so that `width_of` can recover the width.
        self.width = narrowest / _PLANES[0]
        planes = [round(p * self.width) for p in _PLANES]
        self.stem = _stem(round(_STEM_PLANES * self.width), planes[0])
        self.layer1 = _stage(planes[0], planes[0], stride=1)
        self.layer2 = _stage(planes[0], planes[1], stride=2)
        self.layer3 = _stage(planes[1], planes[2], stride=2)
        self.layer4 = _stage(planes[2], planes[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool3d((1, 1, 1))
        self.fc = nn.Linear(planes[3], 1)
        self._initialise()

    def features(self, clip: Tensor) -> Tensor:
        """Pooled features `(n, 512 * width)` before the head."""
        x: Tensor = self.stem(clip)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        pooled: Tensor = self.avgpool(x)
        return pooled.flatten(1)

    def head(self, features: Tensor) -> Tensor:
        """EF in % `(n,)` from pooled features."""
        ef: Tensor = self.fc(features)
        return ef.squeeze(1)

    def forward(self, clip: Tensor) -> Tensor:
        """EF in % `(n,)` of each clip."""
        return self.head(self.features(clip))

    def _initialise(self) -> None:
        # As in torchvision's VideoResNet, except for the bias of the head.
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm3d):
                nn.init.constant_(module.weight, 1)
                nn.init.constant_(module.bias, 0)
        nn.init.normal_(self.fc.weight, 0, 0.01)
        nn.init.constant_(self.fc.bias, _EF_BIAS)


def width_of(state_dict: Mapping[str, Tensor]) -> float:
    """The width factor of a network, from the stem in its state dict."""
    return float(state_dict["stem.3.weight"].shape[0]) / _PLANES[0]


def initial_weights(network: R2Plus1D18, state_dict: Mapping[str, Tensor]) -> None:
    """Load all weights except the head's, as from torchvision's Kinetics-400 network."""
    body = {k: v for k, v in state_dict.items() if not k.startswith("fc.")}
    missing, unexpected = network.load_state_dict(body, strict=False)
    if unexpected or set(missing) != {"fc.weight", "fc.bias"}:
        raise RuntimeError(f"not an {ARCHITECTURE}: missing {missing}, unexpected {unexpected}")


def _stem(mid: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(3, mid, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False),
        nn.BatchNorm3d(mid),
        nn.ReLU(inplace=True),
        nn.Conv3d(mid, out, (3, 1, 1), padding=(1, 0, 0), bias=False),
        nn.BatchNorm3d(out),
        nn.ReLU(inplace=True),
    )


def _stage(inplanes: int, planes: int, *, stride: int) -> nn.Sequential:
    downsample = None
    if stride != 1:
        downsample = nn.Sequential(
            nn.Conv3d(inplanes, planes, kernel_size=1, stride=(stride,) * 3, bias=False),
            nn.BatchNorm3d(planes),
        )
    return nn.Sequential(
        BasicBlock(inplanes, planes, Conv2Plus1D, stride, downsample),
        BasicBlock(planes, planes, Conv2Plus1D),
    )
