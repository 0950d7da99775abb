"""Segmentation networks, and their width."""

from __future__ import annotations

import pytest
import torch
from torchvision.models import segmentation as theirs

from edgeecho.common.errors import UsageError
from edgeecho_train.recipe import LIGHT_NETWORK, SegmentationRecipe
from edgeecho_train.segmentation.network import _narrow, build_segmentation

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["lraspp_mobilenet_v3_large", "deeplabv3_resnet50"])
def test_networks_are_torchvisions(name: str) -> None:
    network, options = build_segmentation(name), {"weights": None, "weights_backbone": None}
    if name == "deeplabv3_resnet50":
        # As EchoNet-Dynamic's release was made.
        other = theirs.deeplabv3_resnet50(**options, aux_loss=False)
        other.classifier[-1] = torch.nn.Conv2d(256, 1, 1)
    else:
        other = theirs.lraspp_mobilenet_v3_large(**options, num_classes=1)
    shapes = {key: value.shape for key, value in other.state_dict().items()}
    assert {key: value.shape for key, value in network.state_dict().items()} == shapes
    with torch.inference_mode():
        assert network.eval()(torch.zeros(1, 3, 64, 64))["out"].shape == (1, 1, 64, 64)


def test_the_light_network_at_width_1_is_torchvisions_layer_by_layer() -> None:
    # What is narrowed is a table of its layers: at width 1 it must be the network itself.
    wide, narrowed = (
        theirs.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=1)
        for _ in range(2)
    )
    _narrow(narrowed, 1.0)
    assert str(narrowed) == str(wide)
    assert list(narrowed.state_dict()) == list(wide.state_dict())


def test_a_seed_gives_the_light_network_the_weights_that_it_gives_torchvisions() -> None:
    torch.manual_seed(5)
    network = build_segmentation(LIGHT_NETWORK, 1.0)
    torch.manual_seed(5)
    other = theirs.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=1)
    torch.testing.assert_close(network.state_dict(), other.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize(("width", "parameters"), [(0.0625, 26_898), (0.3, 317_298)])
def test_a_narrow_network_answers_frames_of_any_size(width: float, parameters: int) -> None:
    network = build_segmentation(LIGHT_NETWORK, width).eval()
    assert sum(value.numel() for value in network.parameters()) == parameters
    with torch.inference_mode():
        for size in (32, 112):
            assert network(torch.zeros(2, 3, size, size))["out"].shape == (2, 1, size, size)
    momenta = {m.momentum for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert momenta == {0.1}


@pytest.mark.parametrize(
    ("name", "width"),
    [("deeplabv3_resnet50", 0.5), (LIGHT_NETWORK, 0.0), (LIGHT_NETWORK, 1.5)],
)
def test_a_width_that_a_network_cannot_have_is_an_error(name: str, width: float) -> None:
    with pytest.raises(ValueError, match=f"no {name} of width"):
        build_segmentation(name, width)
    with pytest.raises(UsageError, match="--width"):
        SegmentationRecipe(network=name, width=width)
