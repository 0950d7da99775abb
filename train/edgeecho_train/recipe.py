"""The training recipe: all options of a run, kept with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

from edgeecho.common.errors import UsageError

LIGHT_NETWORK = "lraspp_mobilenet_v3_large"
SEGMENTATION_NETWORKS = (LIGHT_NETWORK, "deeplabv3_resnet50")
_CHOICES = {
    "optimizer": ("sgd", "adamw"),
    "schedule": ("step", "onecycle", "constant"),
    "loss": ("mse", "smooth-l1"),
    "network": SEGMENTATION_NETWORKS,
}


@dataclass(frozen=True)
class Recipe:
    """What the recipes of all tasks have in common; the defaults are those of EF."""

    task: ClassVar[str]
    """What the network is to learn: `ef` or `segmentation`."""
    size: int = 112
    time: str = "native"
    """`native` (as published) or `resample(FPS)`; see `PreprocessSpec`."""
    init: str = "random"
    """`random`, `kinetics` (torchvision downloads it) or the SHA-256 of a checkpoint file."""
    epochs: int = 45
    batch_size: int = 20
    """Videos in a batch."""
    optimizer: str = "sgd"
    """`sgd` (with momentum 0.9) or `adamw`."""
    lr: float = 1e-4
    weight_decay: float = 1e-4
    schedule: str = "step"
    """`step`: a tenth every 15 epochs; `onecycle`: up to `lr` and down, over all epochs;
    `constant`."""
    bf16: bool = False
    """Forward pass in bfloat16 autocast: about twice as fast if the CPU or GPU supports it."""
    freeze_batch_norm: bool = False
    """Batch norms keep the statistics of `init`, so that training and inference agree. For
    fine-tuning with batches too small to measure them; scale and shift are still learnt."""
    look: bool = False
    """Training clips get a random look each: other greys, grain, shadows, a turned and stretched
    sector (`edgeecho_train.look`). The published recipes have none."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if (value := getattr(self, name, None)) not in (None, *choices):
                raise UsageError(f"--{name} {value!r} is not known: choose {' or '.join(choices)}")

    @property
    def pad(self) -> int:
        """Border of the random crop in pixels: 12 for a size of 112, as published, and scaled."""
        return round(self.size * 12 / 112)

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON and checkpoints."""
        return asdict(self)


@dataclass(frozen=True)
class TrainingRecipe(Recipe):
    """Options of training for EF. The defaults are EchoNet-Dynamic's (Ouyang et al., Nature 2020).

    One default differs: the published recipe starts from Kinetics-400 weights (`init="kinetics"`),
    which are not available offline.
    """

    task: ClassVar[str] = "ef"
    width: float = 1.0
    frames: int = 32
    period: int = 2
    loss: str = "mse"
    """`mse` or `smooth-l1`, which grows linearly beyond 1 EF point; of the EF in %."""


@dataclass(frozen=True)
class SegmentationRecipe(Recipe):
    """Options of training for masks, from the traced frames of each video.

    The defaults are for the light network; `published` are those of the other one.
    """

    task: ClassVar[str] = "segmentation"
    network: str = LIGHT_NETWORK
    """A segmentation network of torchvision with one output."""
    width: float = 1.0
    """Channel factor of the light network."""
    like: str | None = None
    """The SHA-256 of an EF network's checkpoint or manifest, from which mean, std, size and time
    are; None where mean and std are those of the training videos."""
    crop: bool = True
    """A random crop as for EF, the same for both frames. The published recipe has none."""
    epochs: int = 40
    batch_size: int = 8
    optimizer: str = "adamw"
    lr: float = 2e-3
    schedule: str = "onecycle"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch_size < 2:
            # deeplabv3 pools a frame to one value a channel, which a batch norm cannot scale alone.
            raise UsageError("--batch-size 1 leaves batch norms nothing to measure: give 2 or more")
        if self.width != 1 and self.network != LIGHT_NETWORK:
            raise UsageError(f"--width narrows {LIGHT_NETWORK} alone: leave it out")
        if not 0 < self.width <= 1:
            raise UsageError(f"--width {self.width:g}: it is above 0, and 1 at most")

    @classmethod
    def of(cls, network: str, options: Mapping[str, Any]) -> SegmentationRecipe:
        """The network's own recipe with some options; `UsageError` for those of another task."""
        own = cls(network=network)
        if network == "deeplabv3_resnet50":
            own = replace(own, **_PUBLISHED_SEGMENTATION)
        if unknown := sorted(options.keys() - {field.name for field in fields(cls)}):
            raise UsageError(
                f"--{unknown[0].replace('_', '-')} is an option of --task ef: leave it out"
            )
        return replace(own, **options)


# Of EchoNet-Dynamic (Ouyang et al., Nature 2020).
_PUBLISHED_SEGMENTATION: dict[str, Any] = {
    "crop": False,
    "epochs": 50,
    "batch_size": 20,
    "optimizer": "sgd",
    "lr": 1e-5,
    "weight_decay": 0.0,
    "schedule": "constant",
}
