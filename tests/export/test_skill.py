"""What export knows of a network's skill, and `--require-skill`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgeecho.bundle import Skill, open_model, read_manifest
from edgeecho.bundle.skill import warn_of
from edgeecho.common.errors import ModelError, VerificationError
from edgeecho.dataset import read_dataset
from edgeecho_export.checkpoint import CheckpointOptions, LoadedCheckpoint, read_checkpoint
from edgeecho_export.skill import require, skill_of

pytestmark = pytest.mark.slow

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "best.pt"
SKILL = Skill(n=60, mae=4.0, mae_of_constant=16.0, low=11.0, data="VAL videos of: hearts", how="x")
Labelled = Callable[[int], Path]


@pytest.fixture(scope="module")
def labelled(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    """`labelled(n)`: a data set of `n` held-out videos and ten of TRAIN with absurd labels.

    There are sixteen phantoms, so each is there under several names.
    """

    def make(n: int) -> Path:
        root = tmp_path_factory.mktemp("labelled") / "set"
        (root / "Videos").mkdir(parents=True)
        videos = read_dataset(phantoms)
        rows = ["FileName,EF,Split"]
        for i in range(n + 10):
            video = videos[i % len(videos)]
            (root / "Videos" / f"v{i}.avi").symlink_to(video.path)
            rows.append(f"v{i},{video.ef},{('VAL', 'TEST')[i % 2]}" if i < n else f"v{i},0,TRAIN")
        (root / "FileList.csv").write_text("\n".join(rows) + "\n")
        return root

    return make


def edited(folder: Path, source: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a checkpoint and its clips, changed by `edit`."""
    folder.mkdir()
    shutil.copy(source.with_name("reference_clips.npz"), folder)
    value = torch.load(source, weights_only=True)
    edit(value)
    torch.save(value, folder / "best.pt")
    return folder / "best.pt"


def constant(value: dict[str, Any]) -> None:
    """A head that answers 55 whatever it sees: a network that learnt nothing."""
    value["state_dict"]["fc.weight"].zero_()
    value["state_dict"]["fc.bias"].fill_(55.0)


def loaded(path: Path) -> LoadedCheckpoint:
    return read_checkpoint(path, CheckpointOptions())


def test_what_training_measured_is_in_the_bundle(narrow_run: Path, narrow_bundle: Path) -> None:
    recorded = torch.load(narrow_run / "best.pt", weights_only=True)["provenance"]["skill"]
    skill = read_manifest(narrow_bundle).skill
    assert skill is not None
    assert asdict(skill) == recorded
    assert not skill.enough
    (warning,) = warn_of(open_model(narrow_bundle).skill)
    assert f"**Warning:** {warning}.\n" in (narrow_bundle / "model-card.md").read_text()


def test_a_trained_network_shows_skill_on_fifty_held_out_videos(labelled: Labelled) -> None:
    source = loaded(NARROW)
    assert source.skill is None, "it was trained before skill was recorded"
    found = skill_of(source, labelled(50))
    assert found is not None
    assert (found.n, found.shown) == (50, True)
    assert found.mae < 10 < 15 < found.mae_of_constant
    assert found.data.startswith("TEST/VAL videos of: an EchoNet-format data set")
    require(found)


def test_forty_nine_held_out_videos_do_not_tell(narrow_run: Path, labelled: Labelled) -> None:
    few = skill_of(loaded(narrow_run / "best.pt"), labelled(49))
    assert few is not None
    assert few.n == 49
    with pytest.raises(VerificationError, match="takes 50 videos: on 49 labelled"):
        require(few)


def test_a_network_that_learnt_nothing_is_refused_and_nothing_is_left(
    edgeecho: Any, narrow_run: Path, labelled: Labelled, tmp_path: Path
) -> None:
    path = edited(tmp_path / "run", narrow_run / "best.pt", constant)
    out = tmp_path / "bundles" / "new"
    done = edgeecho(
        "export", path, "--out", out, "--clips", labelled(50), "--require-skill", "--no-shared"
    )
    assert (done.returncode, done.stdout) == (6, "")
    error = done.stderr.splitlines()[-1]
    assert "this model has shown no skill: on 50 labelled videos" in error
    assert error.endswith(
        "no bundle was written; train it longer or on more videos, or leave --require-skill out"
    )
    assert not out.parent.exists()


@pytest.mark.parametrize(
    ("skill", "says"),
    [
        (replace(SKILL, low=-0.5, mae=16.2), "train it longer or on more videos"),
        (replace(SKILL, n=49), "give --clips DATA with 50 or more VAL or TEST videos"),
        (None, "give --clips DATA with 50 or more VAL or TEST videos"),
    ],
)
def test_what_training_recorded_may_be_refused_and_the_old_bundle_stays(
    skill: Skill | None, says: str, edgeecho: Any, narrow_run: Path, tmp_path: Path
) -> None:
    told = skill and asdict(skill)
    path = edited(
        tmp_path / "run", narrow_run / "best.pt", lambda v: v["provenance"].update(skill=told)
    )
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "manifest.json").write_text("mine")
    done = edgeecho("export", path, "--out", out, "--overwrite", "--require-skill")
    assert done.returncode == 6
    assert says in done.stderr.splitlines()[-1]
    assert [(f.name, f.read_text()) for f in out.iterdir()] == [("manifest.json", "mine")]
    assert {f.name for f in tmp_path.iterdir()} == {"run", "bundle"}


def test_what_is_shown_passes_and_is_printed(
    edgeecho: Any, narrow_run: Path, tmp_path: Path
) -> None:
    path = edited(
        tmp_path / "run",
        narrow_run / "best.pt",
        lambda v: v["provenance"].update(skill=asdict(SKILL)),
    )
    words = ["--out", tmp_path / "bundle", "--no-shared", "--require-skill"]
    done = edgeecho("export", path, *words)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    assert f"  skill: {SKILL.in_words()}\n" in done.stdout
    assert read_manifest(tmp_path / "bundle").skill == SKILL


def test_what_was_recorded_is_measured_again_only_if_it_cannot_tell(
    narrow_run: Path, labelled: Labelled
) -> None:
    data, source = labelled(50), loaded(narrow_run / "best.pt")
    assert skill_of(replace(source, skill=SKILL), data) == SKILL
    assert skill_of(replace(source, skill=None), None) is None
    few = replace(SKILL, n=49)
    assert skill_of(replace(source, skill=few), None) == few
    again = skill_of(replace(source, skill=few), data)
    assert again is not None
    assert again.n == 50


def test_videos_of_training_are_not_held_out(labelled: Labelled) -> None:
    assert skill_of(loaded(NARROW), labelled(0)) is None


@pytest.mark.parametrize("told", ["good", {"n": 60}, {**asdict(SKILL), "mae": float("nan")}])
def test_a_record_that_cannot_be_read_is_one_line(
    told: object, narrow_run: Path, tmp_path: Path
) -> None:
    path = edited(
        tmp_path / "run", narrow_run / "best.pt", lambda v: v["provenance"].update(skill=told)
    )
    with pytest.raises(ModelError, match="recorded of its skill cannot be read: train it again"):
        loaded(path)


def test_answers_that_are_no_numbers_are_one_line(labelled: Labelled) -> None:
    source = loaded(NARROW)
    torch.nn.init.constant_(source.network.fc.bias, np.nan)
    with pytest.raises(VerificationError, match="answers that are no numbers"):
        skill_of(source, labelled(2))
