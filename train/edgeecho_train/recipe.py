"""The training recipe: all options of a run, kept with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from edgeecho.common.errors import UsageError

_CHOICES = {
    "optimizer": ("sgd", "adamw"),
    "schedule": ("step", "onecycle"),
    "loss": ("mse", "smooth-l1"),
}


@dataclass(frozen=True)
class TrainingRecipe:
    """Options of a training run. The defaults are EchoNet-Dynamic's (Ouyang et al., Nature 2020).

    One default differs: the published recipe starts from Kinetics-400 weights (`init="kinetics"`),
    which are not available offline.
    """

    width: float = 1.0
    frames: int = 32
    period: int = 2
    size: int = 112
    time: str = "native"
    """`native` (as published) or `resample(FPS)`; see `PreprocessSpec`."""
    init: str = "random"
    """`random`, `kinetics` (torchvision downloads it) or the SHA-256 of a checkpoint file."""
    epochs: int = 45
    batch_size: int = 20
    optimizer: str = "sgd"
    """`sgd` (with momentum 0.9) or `adamw`."""
    lr: float = 1e-4
    weight_decay: float = 1e-4
    schedule: str = "step"
    """`step`: a tenth every 15 epochs; `onecycle`: up to `lr` and down, over all epochs."""
    loss: str = "mse"
    """`mse` or `smooth-l1`, which grows linearly beyond 1 EF point; of the EF in %."""
    bf16: bool = False
    """Forward pass in bfloat16 autocast: about twice as fast if the CPU or GPU supports it."""
    freeze_batch_norm: bool = False
    """Batch norms keep the statistics of `init`, so that training and inference agree. For
    fine-tuning with batches too small to measure them; scale and shift are still learnt."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise UsageError(
                    f"--{name} {getattr(self, name)!r} is not known: choose {' or '.join(choices)}"
                )

    @property
    def pad(self) -> int:
        """Border of the random crop in pixels: 12 for a size of 112, as published, and scaled."""
        return round(self.size * 12 / 112)

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON and checkpoints."""
        return asdict(self)
