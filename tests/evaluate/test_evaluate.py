from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeecho.bundle import open_model, read_manifest
from edgeecho.evaluate import Metrics

_efs = st.lists(st.floats(0, 100), min_size=2, max_size=50)


def test_metrics_of_a_case_done_by_hand() -> None:
    m = Metrics.of(np.array([50.0, 60.0, 40.0]), np.array([52.0, 56.0, 30.0]))
    assert m.n == 3
    assert m.mae == pytest.approx((2 + 4 + 10) / 3)
    assert m.rmse == pytest.approx(np.sqrt((4 + 16 + 100) / 3))
    assert m.bias == pytest.approx((-2 + 4 + 10) / 3)
    assert m.r2 == pytest.approx(1 - 120 / 392)
    assert m.correlation == pytest.approx(np.corrcoef([50, 60, 40], [52, 56, 30])[0, 1])
    assert m.mae_of_mean == pytest.approx((6 + 10 + 16) / 3)


@given(_efs)
def test_the_truth_itself_is_perfect_and_the_mean_scores_zero(efs: list[float]) -> None:
    truth = np.array(efs)
    perfect = Metrics.of(truth, truth)
    mean = Metrics.of(np.full_like(truth, truth.mean()), truth)
    assert perfect.mae == perfect.rmse == perfect.bias == 0
    assert mean.mae == pytest.approx(mean.mae_of_mean)
    if np.ptp(truth) > 1e-3:
        assert perfect.r2 == 1
        assert perfect.correlation == pytest.approx(1)
        assert mean.r2 == pytest.approx(0, abs=1e-6)


def test_what_is_undefined_is_none_not_nan() -> None:
    constant = Metrics.of(np.array([50.0, 50.0]), np.array([40.0, 60.0]))
    assert constant.correlation is None
    assert constant.r2 == 0
    single = Metrics.of(np.array([50.0]), np.array([40.0]))
    assert (single.correlation, single.r2, single.mae) == (None, None, 10)


def test_arrays_that_do_not_belong_together_are_a_bug() -> None:
    with pytest.raises(ValueError, match="expected two"):
        Metrics.of(np.zeros(3), np.zeros(4))


def test_the_command_compares_every_video_and_records_it(
    edgeecho: Any, phantoms: Path, narrow_bundle: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(narrow_bundle, tmp_path / "bundle"))
    command = ["evaluate", phantoms, "--model", bundle, "--split", "val", "--record", "--json"]
    done = edgeecho(*command, "--csv", tmp_path / "predictions.csv")
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    with (phantoms / "FileList.csv").open() as stream:
        truth = {
            r["FileName"]: float(r["EF"]) for r in csv.DictReader(stream) if r["Split"] == "VAL"
        }
    with (tmp_path / "predictions.csv").open() as stream:
        predicted = {row["FileName"]: float(row["EF"]) for row in csv.DictReader(stream)}
    assert predicted.keys() == truth.keys()
    errors = [abs(predicted[name] - ef) for name, ef in truth.items()]
    assert value["mae"] == pytest.approx(np.mean(errors), abs=0.01)
    assert value["n"] == len(truth)

    assert edgeecho(*command).returncode == 0
    (entry,) = read_manifest(bundle).evaluation  # measured again: replaced, not added
    assert entry["mae"] == pytest.approx(value["mae"], abs=1e-3)
    assert f"{value['mae']:.2f}" in (bundle / "model-card.md").read_text()
    assert "always answering the mean" in (bundle / "model-card.md").read_text()
    open_model(bundle)  # recording has not broken the bundle
