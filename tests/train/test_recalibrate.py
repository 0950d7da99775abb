"""The line from answers to labels that `edgeecho release --recalibrate` folds into the head."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgeecho.common.errors import InputError, ModelError
from edgeecho.dataset import LabelledVideo, read_dataset
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.checkpoint import load_checkpoint
from edgeecho_train.network import R2Plus1D18
from edgeecho_train.recalibrate import LEAST_VIDEOS, Line, fit_line, fold
from edgeecho_train.release import release_checkpoint

SPEC = PreprocessSpec(mean=(30.0,) * 3, std=(50.0,) * 3, frames=8, size=32)


@pytest.fixture(scope="module")
def network() -> R2Plus1D18:
    torch.manual_seed(1)
    return R2Plus1D18(0.0625).eval()


@pytest.fixture(scope="module")
def videos(phantoms: Path, network: R2Plus1D18) -> list[LabelledVideo]:
    """Videos whose labels are a line of the network's own answers, and noise."""
    from edgeecho_train.recalibrate import _central

    few = read_dataset(phantoms)
    with torch.inference_mode():
        answers = [float(network(_central(video, SPEC))) for video in few]
    middle, spread = float(np.mean(answers)), float(np.std(answers))
    labels = [50 + 10 * (answer - middle) / spread for answer in answers]
    return [replace(v, ef=ef) for v, ef in zip(few, labels, strict=True)] * 2


@pytest.mark.slow
def test_the_line_that_made_the_labels_is_found_and_its_error_is_nothing(
    network: R2Plus1D18, videos: list[LabelledVideo]
) -> None:
    line = fit_line(network, SPEC, videos)
    assert line.n == len(videos) == 32
    assert line.mae_after < 1e-2 < line.mae_before
    folded = R2Plus1D18(0.0625)
    folded.load_state_dict(fold(network.state_dict(), line))
    again = fit_line(folded, SPEC, videos)
    assert again.mae_before == pytest.approx(line.mae_after, abs=1e-2)
    assert (again.slope, again.intercept) == pytest.approx((1, 0), abs=1e-2)


@pytest.mark.slow
def test_skill_is_by_lines_that_did_not_see_the_video(
    network: R2Plus1D18, videos: list[LabelledVideo]
) -> None:
    from edgeecho_train.recalibrate import _central

    # Labels with noise of their own, else every line is the same.
    rng = np.random.default_rng(3)
    noisy = [replace(v, ef=float(v.ef + rng.normal(0, 3))) for v in videos]
    with torch.inference_mode():
        answers = np.array([float(network(_central(video, SPEC))) for video in noisy])
    truth = np.array([video.ef for video in noisy])
    errors = []
    for i in range(len(noisy)):
        slope, intercept = np.polyfit(np.delete(answers, i), np.delete(truth, i), 1)
        errors.append(abs(slope * answers[i] + intercept - truth[i]))
    line = fit_line(network, SPEC, noisy, data="VAL videos of: hearts")
    assert line.skill is not None
    assert line.skill.mae == pytest.approx(np.mean(errors), rel=1e-3)
    assert line.skill.mae > line.mae_after
    assert (line.skill.n, line.skill.data) == (len(noisy), "VAL videos of: hearts")


@pytest.mark.slow
def test_few_videos_or_a_network_that_learnt_nothing_give_no_line(
    network: R2Plus1D18, videos: list[LabelledVideo]
) -> None:
    with pytest.raises(InputError, match=f"takes {LEAST_VIDEOS}"):
        fit_line(network, SPEC, videos[: LEAST_VIDEOS - 1])
    turned = [replace(video, ef=100 - video.ef) for video in videos]
    with pytest.raises(ModelError, match="train it longer"):
        fit_line(network, SPEC, turned)


def test_a_release_says_what_was_folded_into_it(narrow_run: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "FileList.csv").write_text("which videos")
    line = Line(slope=2.0, intercept=-50.0, n=40, mae_before=9.0, mae_after=3.0)
    out = tmp_path / "a.safetensors"
    release_checkpoint(narrow_run / "best.pt", out, line=line, data=data)
    plain, released = load_checkpoint(narrow_run / "best.pt"), load_checkpoint(out)
    # What training measured was of other weights, and this line brings nothing.
    assert plain["provenance"]["skill"] is not None
    assert released["provenance"]["skill"] is None
    told: dict[str, Any] = released["provenance"]["recalibrated"]
    assert (told["slope"], told["intercept"], told["n"]) == (2.0, -50.0, 40)

    def answer(state_dict: dict[str, Any]) -> float:
        network = R2Plus1D18(plain["width"])
        network.load_state_dict(state_dict, strict=False)
        clip = torch.zeros(1, 3, 8, 32, 32)
        with torch.inference_mode():
            return float(network.eval()(clip))

    expected = 2 * answer(plain["state_dict"]) - 50
    assert answer(released["state_dict"]) == pytest.approx(expected, abs=0.1)
