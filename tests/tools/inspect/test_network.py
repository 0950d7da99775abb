"""Shapes, parameters and multiply-accumulates, from a checkpoint and from its bundle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgeecho.bundle import default_model
from edgeecho.tools.inspect import STAGES, Inspection, inspect_model

torch = pytest.importorskip("torch")

# Of the published network, in 10^9 for one clip of 32 frames of 112x112.
FULL_GMAC = {"stem": 1.5, "layer1": 44.4, "layer2": 20.1, "layer3": 10.0, "layer4": 5.0, "head": 0}
FULL_SHAPES = {
    "stem": (1, 64, 32, 56, 56),
    "layer1": (1, 64, 32, 56, 56),
    "layer2": (1, 128, 16, 28, 28),
    "layer3": (1, 256, 8, 14, 14),
    "layer4": (1, 512, 4, 7, 7),
    "head": (1,),
}
# (time, space)
DIVISORS = {"stem": (1, 2), "layer1": (1, 1), "layer2": (2, 2), "layer3": (2, 2), "layer4": (2, 2)}
NARROW = Path(__file__).parents[3] / "models" / "narrow" / "best.pt"


@pytest.fixture(scope="module")
def full_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """125 MB in the format of EchoNet-Dynamic's release, with random weights."""
    from edgeecho_train.network import R2Plus1D18

    path = tmp_path_factory.mktemp("full") / "echonet.pt"
    weights = {f"module.{k}": v for k, v in R2Plus1D18().state_dict().items()}
    value = {"epoch": 44, "state_dict": weights, "period": 2, "frames": 32, "r2": np.float64(0.8)}
    torch.save(value, path)
    yield path
    path.unlink()


def shapes(found: Inspection) -> dict[str, tuple[int, ...] | None]:
    return {stage.name: stage.output_shape for stage in found.stages}


def assert_same_network(one: Inspection, other: Inspection) -> None:
    assert shapes(one) == shapes(other)
    assert one.clip_shape == other.clip_shape
    assert [stage.macs for stage in one.stages] == [stage.macs for stage in other.stages]


@pytest.mark.slow
def test_a_full_size_checkpoint_has_the_published_numbers(full_checkpoint: Path) -> None:
    found = inspect_model(full_checkpoint)
    assert found.clip_shape == (1, 3, 32, 112, 112)
    assert shapes(found) == FULL_SHAPES
    assert found.parameters == found.architecture["parameters"] == 31_300_638
    assert round(found.macs / 1e9, 2) == 81.04
    assert {s.name: round(s.macs / 1e9, 1) for s in found.stages} == FULL_GMAC
    halved = {s.name: (s.time_divisor, s.space_divisor) for s in found.stages}
    assert halved == {**DIVISORS, "head": (1, 1)}


def test_full_width_alone_gives_the_same_numbers() -> None:
    from edgeecho_export.inspection import network_stages

    stages = network_stages(1.0, (1, 3, 32, 112, 112))
    assert sum(s.parameters for s in stages) == 31_300_638
    assert round(sum(s.macs for s in stages) / 1e9, 2) == 81.04


@pytest.mark.parametrize("clip", [(16, 112, 112), (31, 56, 56), (1, 8, 8), (5, 57, 33)])
def test_shapes_are_those_of_a_real_forward_pass(clip: tuple[int, int, int]) -> None:
    from edgeecho_export.inspection import network_stages
    from edgeecho_train.network import R2Plus1D18

    value = torch.zeros(1, 3, *clip)
    network = R2Plus1D18(0.0625).eval()
    expected = []
    with torch.inference_mode():
        expected.append(tuple(network(value).shape))
        for name in list(STAGES)[:-1]:
            value = network.get_submodule(name)(value)
            expected.insert(-1, tuple(value.shape))
    stages = network_stages(0.0625, (1, 3, *clip))
    assert [s.output_shape for s in stages] == expected
    assert stages[0].input_shape == (1, 3, *clip)


def test_lengths_that_are_odd_count_as_halved() -> None:
    from edgeecho_export.inspection import network_stages

    stages = {s.name: s for s in network_stages(0.0625, (1, 3, 31, 56, 56))}
    assert stages["layer2"].output_shape[2] == 16
    assert [s.time_divisor for s in stages.values()] == [1, 1, 2, 2, 2, 1]


def test_the_narrow_bundle_and_its_checkpoint_are_one_network() -> None:
    bundle, checkpoint = inspect_model(), inspect_model(NARROW)
    assert checkpoint.parameters == 1_961_392
    assert bundle.architecture == checkpoint.architecture
    assert bundle.architecture["parameters"] == 1_961_392
    assert_same_network(bundle, checkpoint)
    assert bundle.preprocess == checkpoint.preprocess
    assert bundle.preprocess_sha256 == checkpoint.preprocess_sha256
    assert bundle.trained_on == checkpoint.trained_on
    assert bundle.provenance["checkpoint_sha256"] == checkpoint.sha256
    assert bundle.provenance["training"] == checkpoint.provenance["training"]


@pytest.mark.parametrize("name", ["best.pt", "last.pt"])
def test_export_keeps_the_network_folds_the_batch_norms_and_pads(
    narrow_run: Path, narrow_bundle: Path, name: str
) -> None:
    bundle, checkpoint = inspect_model(narrow_bundle), inspect_model(narrow_run / name)
    assert (bundle.clip_shape, shapes(bundle)) == (checkpoint.clip_shape, shapes(checkpoint))
    # A batch norm's scale and shift become one bias.
    folded: Counter[str] = Counter()
    weights = torch.load(narrow_run / name, weights_only=True)["state_dict"]
    for key, value in weights.items():
        stage = STAGES[key.partition(".")[0]]
        if key.endswith("running_mean"):
            folded[stage] += value.numel()
        elif value.shape[2:] in ((1, 3, 3), (1, 7, 7)):  # filters over space, and their biases
            folded[stage] -= -len(value) % 8 * (value[0].numel() + 1)
        elif value.shape[2:] == (3, 1, 1):
            folded[stage] -= -value.shape[1] % 8 * value.shape[0] * 3
    assert min(folded.values()) < 0, "nothing was padded: the test shows nothing"
    for stored, trained in zip(bundle.stages, checkpoint.stages, strict=True):
        assert stored.macs >= trained.macs
    differences = {
        trained.name: trained.parameters - stored.parameters
        for trained, stored in zip(checkpoint.stages, bundle.stages, strict=True)
    }
    assert differences == {**folded, "head": 0}


def test_a_lone_file_has_the_network_of_its_bundle(narrow_bundle: Path) -> None:
    assert inspect_model(narrow_bundle / "fp32.onnx").stages == inspect_model(narrow_bundle).stages


def test_the_default_model_is_inspected() -> None:
    assert inspect_model() == inspect_model(default_model())
