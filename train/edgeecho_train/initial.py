"""The network that a run starts with: random, pretrained on Kinetics-400, or a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from edgeecho.common.errors import ModelError, UsageError
from edgeecho.common.files import sha256_file
from edgeecho_train.checkpoint import EF, load_checkpoint, training_history
from edgeecho_train.network import R2Plus1D18, initial_weights, width_of


def read_initial(
    init: str, task: str = EF
) -> tuple[dict[str, Tensor] | None, str, tuple[str, ...]]:
    """Initial weights, their origin, and the data that they were trained on."""
    if init == "random":
        return None, "random", ()
    if init == "kinetics":
        if task != EF:
            raise UsageError("--init kinetics has weights of an EF network: leave it out")
        from torchvision.models.video import R2Plus1D_18_Weights

        try:
            weights = R2Plus1D_18_Weights.KINETICS400_V1.get_state_dict(progress=True)
            return weights, "kinetics", ("Kinetics-400",)
        except OSError as error:
            raise ModelError(
                f"Kinetics-400 weights cannot be downloaded ({error}): "
                "put torchvision's file into its cache, or use --init random"
            ) from error
    found = load_checkpoint(Path(init), task)
    history = training_history(found.get("provenance"))
    return found["state_dict"], f"sha256:{sha256_file(Path(init))}", history


def build_network(width: float, weights: Mapping[str, Tensor] | None) -> R2Plus1D18:
    """A network of this width with the given weights; `UsageError` if these do not fit."""
    try:
        network = R2Plus1D18(width)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if weights is None:
        return network
    if width_of(weights) != network.width:
        raise UsageError(
            f"--init holds a network of width {width_of(weights):g}, --width is {width:g}: "
            "make them equal"
        )
    if weights["fc.weight"].shape == network.fc.weight.shape:
        network.load_state_dict(weights)
    else:
        initial_weights(network, weights)
    return network
