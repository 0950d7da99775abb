from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeecho.dataset import read_dataset
from edgeecho.tools.evaluate import run

KILLED = """
import os, signal
from edgeecho.cli.app import main
from edgeecho.tools.evaluate import run
real, seen = run.answer_file, []
def answer_file(path, *more, **named):
    if len(seen) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    seen.append(path)
    return real(path, *more, **named)
run.answer_file = answer_file
main()
"""


@pytest.mark.slow
def test_a_killed_evaluation_goes_on_where_it_was(
    edgeecho: Any, phantoms: Path, narrow_bundle: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    data = Path(shutil.copytree(phantoms, tmp_path / "data"))
    names = [video.name for video in read_dataset(data, split="TRAIN")]
    words = ["evaluate", str(data), "--model", str(narrow_bundle), "--split", "TRAIN",
             "--clips", "all", "--threads", "1"]  # fmt: skip
    resumed = [*words, "--out", str(tmp_path / "out")]
    process = subprocess.run([sys.executable, "-c", KILLED, *resumed], stderr=subprocess.DEVNULL)
    assert process.returncode == -signal.SIGKILL
    before = (tmp_path / "out" / "work" / "fp32-all.jsonl").read_text().count("\n") - 1
    assert before == 3
    assert not (tmp_path / "out" / "index.html").exists()

    answered = []
    real = run.answer_file
    monkeypatch.setattr(
        run, "answer_file", lambda path, *a, **k: answered.append(path.stem) or real(path, *a, **k)
    )
    done = edgeecho(*resumed, "--json")
    assert done.returncode == 0, done.stderr
    assert answered == names[before:]
    assert f"going on after {before} videos" in done.stderr
    assert (tmp_path / "out" / "index.html").exists()
    whole = json.loads(edgeecho(*words, "--json").stdout)["results"][0]
    assert json.loads(done.stdout)["results"][0]["over_all_videos"] == whole["over_all_videos"]

    with (data / "FileList.csv").open("a") as stream:
        stream.write("\n")  # another data set, to a byte
    done = edgeecho(*resumed)
    assert done.returncode == 2
    assert "another run (not the same file_list_sha256)" in done.stderr
