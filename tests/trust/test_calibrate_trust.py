"""`edgeecho calibrate trust` on a narrow network, and the bundle that it leaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calibrated import LEAST, words

from edgeecho.bundle import open_model, read_manifest
from edgeecho.common.errors import InputError, ModelError
from edgeecho.common.seal import sealed
from edgeecho.dataset import read_dataset
from edgeecho.inference import estimate_file, load_model
from edgeecho.trust import load_trust
from edgeecho.trust.learned_gates import LEARNED
from edgeecho_calibration import trust as trust_module

pytestmark = pytest.mark.slow

Run = Callable[..., object]


@pytest.fixture
def bundle(calibrated: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(calibrated, tmp_path / "bundle"))


def test_the_bundle_says_what_was_measured(calibrated: Path, phantoms: Path) -> None:
    manifest = read_manifest(calibrated)
    entry = manifest.uncertainty
    assert entry is not None
    videos = read_dataset(phantoms, split="TRAIN")
    assert (entry["videos"], entry["split"], entry["level"]) == (len(videos), "TRAIN", 0.7)
    assert LEAST <= entry["n"] <= len(videos)
    assert set(entry["half_width"]) == {"stride:32", "stride:64", "center", "one"}
    assert (calibrated / "trust.npz").stat().st_size < 1_000_000
    card = (calibrated / "model-card.md").read_text()
    listed = sha256((phantoms / "FileList.csv").read_bytes()).hexdigest()[:12]
    section = card.partition("## Uncertainty and gates\n\n")[2]
    assert section.startswith(
        f"split conformal, level 70%, on {entry['n']} of {len(videos)} TRAIN videos of: "
    )
    assert f"(FileList.csv sha256 {listed}), fp32 on " in section
    for mode, half in entry["half_width"].items():
        assert f"\n| {mode} | {half:.2f} |\n" in section
    # A video of 70 frames has one clip at this stride, and so no spread over clips.
    # Without a segmentation there is one answer.
    assert {gate.name for gate in LEARNED} - set(entry["thresholds"]) == {
        "clip-spread",
        "answers-disagree",
    }
    for gate, threshold in entry["thresholds"].items():
        assert f"\n| {gate} | {threshold:.4g} |\n" in section
    # The limits are those of a model with gates.
    assert "\n- Knows only what it was trained on (see above). Its gates refuse some" in card
    assert "No uncertainty is calibrated" not in card


def test_skill_is_measured_too_but_not_on_videos_of_training(
    calibrated: Path, narrow_bundle: Path, phantoms: Path, tmp_path: Path, edgeecho: Run
) -> None:
    assert read_manifest(calibrated).skill == read_manifest(narrow_bundle).skill
    bundle = Path(shutil.copytree(narrow_bundle, tmp_path / "bundle"))
    done = edgeecho(
        "calibrate", "trust", phantoms, "--model", bundle, "--clips", "center", "--least", 1,
        "--level", 0.5, "--keep", tmp_path / "kept.jsonl",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    model, videos = load_model(bundle), read_dataset(phantoms, split="VAL")
    skill = model.file.skill
    assert skill is not None
    found = [estimate_file(video.path, model, clips="center") for video in videos]
    errors = [abs(a.ef - video.ef) for a, video in zip(found, videos, strict=True)]
    assert (skill.n, skill.mae) == (len(videos), pytest.approx(np.mean(errors), abs=1e-3))
    assert skill.data.startswith("VAL videos of: synthetic phantoms")
    assert skill.how.startswith("center, fp32 on openvino ")
    assert f"({skill.how})" in (bundle / "model-card.md").read_text()


def test_answers_carry_the_interval_that_was_measured(calibrated: Path, phantoms: Path) -> None:
    model = load_model(calibrated)
    assert model.trust is not None
    videos = read_dataset(phantoms, split="TRAIN")
    found = [estimate_file(video.path, model, clips="stride:32") for video in videos]
    pairs = zip(videos, found, strict=True)
    errors = [abs(video.ef - answer.ef) for video, answer in pairs if not answer.refused]
    passed = [answer for answer in found if not answer.refused]
    # By the definition: of n errors, the ceil((n + 1) 0.7)-th smallest is half the width.
    half = sorted(errors)[ceil((len(errors) + 1) * 0.7) - 1]
    assert 0 < half < max(errors)
    for answer in passed:
        assert answer.interval is not None
        assert answer.interval.low == pytest.approx(max(answer.ef - half, 0), abs=1e-3)
        assert answer.interval.high == pytest.approx(min(answer.ef + half, 100), abs=1e-3)
        assert answer.interval.level == 0.7
        assert answer.probabilities is not None
        assert 0 < answer.probabilities.at_most_40 <= answer.probabilities.below_50 < 1
    assert not any("uncertainty" in warning for a in found for warning in a.warnings)


def test_what_was_kept_is_not_run_again(
    bundle: Path,
    calibrated: Path,
    phantoms: Path,
    edgeecho: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = Path(shutil.copy(calibrated.with_name("kept.jsonl"), bundle.with_name("kept.jsonl")))
    lines = kept.read_text().splitlines(keepends=True)
    # As a run leaves it that was stopped while it wrote a line.
    kept.write_text("".join(lines[:-1]) + lines[-1][:50])
    ran = []
    real = trust_module._answer

    def counted(*given: Any) -> object:
        ran.append(given)
        return real(*given)

    monkeypatch.setattr(trust_module, "_answer", counted)
    done = edgeecho("calibrate", *words(bundle, phantoms))
    assert done.returncode == 0, done.stderr
    assert len(ran) == 1
    before, after = (open_model(b).uncertainty for b in (calibrated, bundle))
    assert before is not None
    assert after is not None
    assert after["half_width"] == before["half_width"]
    assert after["thresholds"] == pytest.approx(before["thresholds"], rel=1e-4)
    kept.write_text(kept.read_text().replace('"split": "TRAIN"', '"split": "VAL"'))
    other = edgeecho("calibrate", *words(bundle, phantoms))
    assert other.returncode == InputError.exit_code
    assert "is of another model, data set or version" in other.stderr


def test_too_few_videos_are_refused(bundle: Path, phantoms: Path, edgeecho: Run) -> None:
    before = (bundle / "manifest.json").read_bytes()
    done = edgeecho("calibrate", *words(bundle, phantoms, "--least", 500))
    assert done.returncode == InputError.exit_code
    assert "--least asks for 500" in done.stderr
    assert (bundle / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("damage", ["a byte", "missing", "another array", "no numbers"])
def test_a_damaged_file_is_one_line(bundle: Path, damage: str) -> None:
    file = bundle / "trust.npz"
    if damage == "missing":
        file.unlink()
    elif damage == "a byte":
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    else:
        if damage == "another array":
            np.savez(file, surprise=np.zeros(3))
        else:
            file.write_bytes(b"not numbers")
        rehash(bundle)
    with pytest.raises(ModelError) as caught:
        load_model(bundle)
    assert "\n" not in str(caught.value)


def test_an_entry_that_names_another_folder_is_refused(bundle: Path) -> None:
    edit(bundle, file="../trust.npz")
    with pytest.raises(ModelError, match="not a file of the bundle"):
        open_model(bundle)


def test_a_bundle_without_measured_uncertainty_answers(narrow_bundle: Path, phantoms: Path) -> None:
    model = load_model(narrow_bundle)
    assert load_trust(model.file) is None
    answer = estimate_file(sorted((phantoms / "Videos").iterdir())[0], model)
    assert (answer.interval, answer.probabilities) == (None, None)
    assert any("no measured uncertainty" in warning for warning in answer.warnings)


def test_an_embedding_of_another_size_is_one_line(calibrated: Path, phantoms: Path) -> None:
    from edgeecho.trust import Trust
    from edgeecho.trust.space import Space

    model = load_model(calibrated)
    trust = model.trust
    assert isinstance(trust, Trust)
    axes = np.eye(3, dtype=np.float32)
    wrong = Space(axes[0], axes[0] + 1, axes[:1], np.ones(1, np.float32), 1.0)
    spaces = {**trust.spaces, "picture": (wrong,)}
    with pytest.raises(ModelError, match="does not fit this model"):
        estimate_file(
            sorted((phantoms / "Videos").iterdir())[0],
            replace(model, trust=replace(trust, spaces=spaces)),
            clips="center",
        )


def edit(bundle: Path, **changes: object) -> None:
    file = bundle / "manifest.json"
    value = json.loads(file.read_text())
    value["uncertainty"].update(changes)
    file.write_text(json.dumps(sealed(value)))


def rehash(bundle: Path) -> None:
    from edgeecho.common.files import sha256_file

    edit(bundle, sha256=sha256_file(bundle / "trust.npz"))
