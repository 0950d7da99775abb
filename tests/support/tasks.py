"""Tasks with the default model on copies of one phantom."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from ventricle import Drawn, beating

from edgeecho.batch import Task, WorkerPlan
from edgeecho.bundle import open_model
from edgeecho.cine import DEFAULT_LIMITS
from edgeecho.inference import LoadedModel
from edgeecho.preprocess import Handling
from edgeecho.results import Answer, Outcome

DATA = Path(__file__).parents[2] / "examples" / "phantoms" / "Videos"
TWO = WorkerPlan(2, 1, 2)


def task(kind: type[Task] = Task, **options: Any) -> Task:
    return kind(
        **{
            **{"model": open_model(), "engine": "auto", "clips": "center"},
            **{"handling": Handling(), "fps": None, "limits": DEFAULT_LIMITS},
            **{"show_refused": True, "frames": 0},
            **options,
        }
    )


def folder(tmp_path: Path, *names: str) -> list[Path]:
    """Copies of one phantom."""
    source = sorted(DATA.iterdir())[0]
    return [Path(shutil.copy(source, tmp_path / name)) for name in names]


def ef(outcome: Outcome) -> float:
    assert isinstance(outcome.answer, Answer)
    numbers = outcome.answer.numbers or outcome.answer.although_refused
    assert numbers is not None
    return numbers.ef


class DrawnTask(Task):
    """Its model has a segmentation that draws a ventricle that beats, for one file."""

    def load(self, threads: int) -> LoadedModel:
        return replace(super().load(threads), masks=Drawn(beating(400)))
