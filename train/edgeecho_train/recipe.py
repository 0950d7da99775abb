"""What a training run does, in one value that is kept with the run."""

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
class Recipe:
    """The defaults are EchoNet-Dynamic's published recipe (Ouyang et al., Nature 2020).

    One thing is left to the user: it starts from Kinetics-400 weights (`init="kinetics"`),
    which cannot be had offline.
    """

    width: float = 1.0
    frames: int = 32
    period: int = 2
    size: int = 112
    time: str = "native"
    """`native` (as published) or `resample(FPS)`; see `PreprocessSpec`."""
    init: str = "random"
    """`random`, `kinetics` (torchvision downloads it) or a checkpoint file's SHA-256."""
    epochs: int = 45
    batch_size: int = 20
    optimizer: str = "sgd"
    """`sgd` has momentum 0.9."""
    lr: float = 1e-4
    weight_decay: float = 1e-4
    schedule: str = "step"
    """`step`: a tenth every 15 epochs; `onecycle`: up to `lr` and down, over all epochs."""
    loss: str = "mse"
    """On EF in %; `smooth-l1` grows linearly beyond 1 EF point."""
    bf16: bool = False
    """Forward pass in bfloat16 autocast: about twice as fast where the CPU or GPU has it."""
    freeze_batch_norm: bool = False
    """Batch norms keep the statistics that `init` brings, so that a network trains as it answers:
    for fine-tuning with batches too small to measure them (scale and shift are still learnt)."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise UsageError(
                    f"--{name} {getattr(self, name)!r} is not known: choose {' or '.join(choices)}"
                )

    @property
    def pad(self) -> int:
        """Border of the random crop in pixels: 12 at 112, as published, and in proportion."""
        return round(self.size * 12 / 112)

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON and checkpoints."""
        return asdict(self)
