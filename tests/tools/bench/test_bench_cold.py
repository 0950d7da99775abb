"""Cold starts run in real processes, and one that fails is an error."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from edgeecho.common.errors import EngineError
from edgeecho.tools.bench.cold import ColdStartRequest, measure_cold_starts


def make_job(video: Path, model: Path) -> ColdStartRequest:
    return ColdStartRequest(str(video), str(model), "onnxruntime", "fp32", "center", 1)


@pytest.mark.slow
def test_parts_fit_into_the_whole(video: Path, tiny_model: Path) -> None:
    (start,) = measure_cold_starts(make_job(video, tiny_model), 1)

    assert all(value > 0 for value in dataclasses.astuple(start))
    assert start.first_inference_ms <= start.first_answer_ms
    assert start.import_ms + start.load_ms + start.first_answer_ms <= start.start_to_answer_ms


@pytest.mark.slow
def test_a_failing_process_is_an_error(video: Path, tiny_model: Path) -> None:
    job = dataclasses.replace(make_job(video, tiny_model), video=str(video.with_name("gone.avi")))
    with pytest.raises(EngineError, match=r"exit code 1 .*gone\.avi: no such file.*edgeecho infer"):
        measure_cold_starts(job, 1)


def test_a_process_that_dies_without_a_word_is_an_error(
    video: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = tmp_path / "python"
    silent.write_text("#!/bin/sh\nexit 7\n")
    silent.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(silent))
    with pytest.raises(EngineError, match=r"exit code 7 \(without a word\)"):
        measure_cold_starts(make_job(video, tiny_model), 1)


@pytest.mark.slow
def test_a_crash_after_the_answer_is_an_error(
    video: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing = tmp_path / "python"
    crashing.write_text(f'#!/bin/sh\n"{sys.executable}" "$@"\nexit 9\n')
    crashing.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(crashing))
    with pytest.raises(EngineError, match="exit code 9"):
        measure_cold_starts(make_job(video, tiny_model), 1)


def test_the_module_leaves_all_imports_to_the_measurement() -> None:
    code = (
        "import sys, edgeecho.tools.bench.cold; "
        "print(sorted({'numpy', 'cv2', 'openvino', 'typer'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
