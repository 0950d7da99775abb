from __future__ import annotations

import pytest
import torch
from torchvision.models.video import r2plus1d_18

from edgeecho_train.network import R2Plus1D18, initial_weights, width_of


@pytest.fixture(scope="module")
def full() -> R2Plus1D18:
    torch.manual_seed(3)
    return R2Plus1D18().eval()


@pytest.mark.slow
def test_full_width_has_torchvisions_names_and_shapes(full: R2Plus1D18) -> None:
    theirs = r2plus1d_18(num_classes=1).state_dict()
    ours = full.state_dict()
    assert [(k, v.shape) for k, v in ours.items()] == [(k, v.shape) for k, v in theirs.items()]
    assert sum(p.numel() for p in full.parameters()) == 31_300_638


@pytest.mark.slow
def test_full_width_computes_what_torchvision_computes(full: R2Plus1D18) -> None:
    network = r2plus1d_18(num_classes=1).eval()
    weights = dict(full.state_dict())
    generator = torch.Generator().manual_seed(1)
    for name, value in weights.items():
        # Fresh batch norms are the identity; these are not.
        if name.endswith("running_mean"):
            weights[name] = torch.randn(value.shape, generator=generator) / 10
        if name.endswith("running_var"):
            weights[name] = torch.rand(value.shape, generator=generator) + 0.5
    network.load_state_dict(weights)
    ours = R2Plus1D18().eval()
    ours.load_state_dict(weights)
    clips = torch.randn(2, 3, 8, 32, 32, generator=generator)
    with torch.inference_mode():
        expected, found = network(clips), ours(clips)
    assert expected.shape == (2, 1)
    assert found.shape == (2,)
    torch.testing.assert_close(found, expected[:, 0], rtol=1e-5, atol=1e-5)
    assert abs(float(found[0] - found[1])) > 1e-3


def test_head_starts_at_the_mean_ef(full: R2Plus1D18) -> None:
    assert full.fc.bias.tolist() == pytest.approx([55.6])


@pytest.mark.slow
@pytest.mark.parametrize("width", [0.0625, 0.1, 0.25, 0.3, 0.77, 1.0])
def test_state_dict_tells_the_width(width: float) -> None:
    network = R2Plus1D18(width)
    again = R2Plus1D18(width_of(network.state_dict()))
    again.load_state_dict(network.state_dict())
    assert again.width == network.width == pytest.approx(width, abs=1 / 128)


def test_a_quarter_of_the_width_has_a_sixteenth_of_the_weights() -> None:
    count = sum(p.numel() for p in R2Plus1D18(0.25).parameters())
    assert count == pytest.approx(31_300_638 / 16, rel=0.02)


def test_narrow_networks_give_one_ef_a_clip_and_learn() -> None:
    network = R2Plus1D18(0.0625)
    efs = network(torch.randn(2, 3, 8, 32, 32))
    assert efs.shape == (2,)
    efs.sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_too_narrow_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 0\.0625"):
        R2Plus1D18(0.05)


@pytest.mark.slow
def test_weights_with_400_outputs_fill_all_but_the_head() -> None:
    kinetics = r2plus1d_18(num_classes=400).state_dict()
    network = R2Plus1D18()
    initial_weights(network, kinetics)
    loaded = network.state_dict()
    assert all(torch.equal(loaded[k], v) for k, v in kinetics.items() if not k.startswith("fc."))
    assert network.fc.bias.tolist() == pytest.approx([55.6])


@pytest.mark.slow
def test_weights_of_another_network_are_refused() -> None:
    kinetics = r2plus1d_18(num_classes=400).state_dict()
    del kinetics["layer3.0.conv1.0.0.weight"]
    with pytest.raises(RuntimeError, match=r"layer3\.0\.conv1\.0\.0\.weight"):
        initial_weights(R2Plus1D18(), kinetics)
