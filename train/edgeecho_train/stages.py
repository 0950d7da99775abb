"""Training in stages from a TOML file; each stage starts from the best checkpoint of the previous.

[common]            # fields of `TrainingRecipe`, for every stage
frames = 32
[[stage]]           # small clips first, which cost a fraction
size = 56
epochs = 8
[[stage]]
size = 112
epochs = 3
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from edgeecho.common.console import words
from edgeecho.common.errors import MissingDependencyError, UsageError
from edgeecho.common.files import make_folder, write_text
from edgeecho_train.recipe import TrainingRecipe
from edgeecho_train.start import train

if sys.version_info >= (3, 11):
    import tomllib
else:
    try:
        import tomli as tomllib
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "--recipe needs Python 3.11, or tomli on 3.10: pip install tomli"
        ) from error

STAGES_FILE = "recipe.toml"
"""Name of the copy that is kept with the run."""
# `init` links the stages; the command line sets that of the first.
_FIELDS = {field.name: field.type for field in fields(TrainingRecipe) if field.name != "init"}
_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
}


@dataclass(frozen=True)
class Stages:
    """The stages of a TOML file."""

    text: str
    """Text of the file."""
    recipes: tuple[TrainingRecipe, ...]


def read_stages(path: Path) -> Stages:
    """Read a TOML file; `UsageError` if it is invalid or has fields that `TrainingRecipe` lacks."""
    try:
        text = path.read_text(encoding="utf-8")
        value = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML file: {error}") from error
    stages = value.get("stage")
    if value.keys() - {"common", "stage"} or not isinstance(stages, list) or not stages:
        raise UsageError(f"{path}: give one [common] table and at least one [[stage]]")
    common = _checked(path, value.get("common", {}))
    return Stages(
        text, tuple(TrainingRecipe(**{**common, **_checked(path, stage)}) for stage in stages)
    )


def _checked(path: Path, table: Any) -> dict[str, Any]:
    for name, value in table.items():
        kind = _TYPES.get(str(_FIELDS.get(name)))
        if kind is None:
            raise UsageError(f"{path}: {name} is not known; fields are {', '.join(_FIELDS)}")
        if not isinstance(value, kind) or isinstance(value, bool) != (kind == (bool,)):
            raise UsageError(f"{path}: {name} = {value!r} must be {_FIELDS[name]}")
    return dict(table)


def train_stages(
    data: Path,
    out: Path,
    stages: Stages,
    *,
    resume: bool,
    device: str,
    workers: int | None,
    init: str,
) -> Path:
    """Run the stages in `out/stage1`, `out/stage2`, ...; return the last one's best checkpoint.

    `resume` continues in the stage that was interrupted. `UsageError` for another recipe or an
    existing run; other errors are those of `train`.
    """
    kept = out / STAGES_FILE
    if resume and kept.is_file() and kept.read_text(encoding="utf-8") != stages.text:
        raise UsageError(f"{kept} is not the recipe that was given: start a run with another --out")
    if not resume and out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} holds a run: add --resume to continue it, or choose another --out")
    make_folder(out)
    write_text(kept, stages.text)
    best = init
    for number, recipe in enumerate(stages.recipes, 1):
        folder = out / f"stage{number}"
        words.print(f"stage {number} of {len(stages.recipes)}")
        begun = (folder / "last.pt").exists() or (folder / "run.json").exists()
        train(data, folder, recipe, resume=begun, device=device, workers=workers, init=best)
        best = str(folder / "best.pt")
    return Path(best)
