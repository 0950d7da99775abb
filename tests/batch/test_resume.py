"""Answers that are kept in a file: a killed call goes on, and another call does not mix in."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from processes import children, is_running, wait

from edgeecho.bundle import Manifest, Skill, read_manifest

pytestmark = pytest.mark.slow

PHANTOMS = Path(__file__).parents[2] / "examples" / "phantoms" / "Videos"
NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"
COMMAND = [sys.executable, "-c", "from edgeecho.cli.app import main; main()", "infer"]


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """All phantoms under names that a patient might have, and a file that is no video."""
    folder = tmp_path / "videos"
    folder.mkdir()
    for number, file in enumerate(sorted(PHANTOMS.iterdir())):
        shutil.copy(file, folder / f"doe-jane-{number}.avi")
    (folder / "doe-none.avi").write_text("text")
    return folder


def results(stdout: str) -> list[dict[str, Any]]:
    """Without the times and the order of the files, which are another call's."""
    found = json.loads(stdout)["results"]
    return [{k: v for k, v in r.items() if k not in ("timings_ms", "number")} for r in found]


def test_a_call_goes_on_from_its_record_and_gives_the_same(
    edgeecho: Any, videos: Path, tmp_path: Path
) -> None:
    record = tmp_path / "answers.jsonl"
    words = ["infer", videos, "--clips", "center", "--json", "--resume", record]
    first = edgeecho(*words)
    assert first.returncode == 3, first.stderr
    assert "1 of 6 files have no answer:" in first.stderr
    assert "doe-none.avi: " in first.stderr
    content = record.read_bytes()
    assert len(content.splitlines()) == 1 + 5

    (videos / "doe-jane-2.avi").rename(videos / "other.avi")  # content counts, not names
    again = edgeecho(*words)
    assert "going on after 5 answers" in again.stderr
    assert record.read_bytes() == content
    order = {r["sha256"]: r for r in results(again.stdout) if "sha256" in r}
    for result in results(first.stdout):
        if result["status"] != "error":
            assert {**order[result["sha256"]], "file": result["file"]} == result


def test_a_record_holds_no_name_and_no_path(edgeecho: Any, videos: Path, tmp_path: Path) -> None:
    record = tmp_path / "answers.jsonl"
    edgeecho("infer", videos, "--clips", "center", "--resume", record)
    text = record.read_text()
    assert "doe-" not in text
    assert "jane" not in text
    assert str(tmp_path) not in text


def test_a_refused_number_that_was_not_to_be_shown_is_not_in_the_record(
    edgeecho: Any, videos: Path, tmp_path: Path
) -> None:
    from media import phantom_frames, write_video

    still = tmp_path / "still.avi"
    write_video(still, frames=phantom_frames()[:1].repeat(80, axis=0))
    record = tmp_path / "answers.jsonl"
    done = edgeecho("infer", still, "--clips", "center", "--resume", record)
    assert done.returncode == 5, done.stderr
    answer = json.loads(record.read_text().splitlines()[1])
    assert answer["refusals"]
    assert answer["numbers"] is None
    assert answer["although_refused"] is None
    again = edgeecho("infer", still, "--clips", "center", "--resume", record)
    assert again.returncode == 5


@pytest.mark.parametrize(
    ("more", "differs"),
    [
        (["--clips", "one"], "clips"),
        (["--clips", "center", "--fps", "30"], "fps"),
        (["--clips", "center", "--no-crop"], "handling"),
        (["--clips", "center", "--show-refused"], "show_refused"),
    ],
)
def test_answers_of_another_call_are_not_mixed(
    more: list[str], differs: str, edgeecho: Any, videos: Path, tmp_path: Path
) -> None:
    record = tmp_path / "answers.jsonl"
    edgeecho("infer", videos, "--clips", "center", "--resume", record)
    content = record.read_bytes()
    done = edgeecho("infer", videos, *more, "--resume", record)
    assert done.returncode == 2
    assert f"answers of another run (not the same {differs}" in done.stderr
    assert record.read_bytes() == content


def skilled(manifest: Manifest) -> Manifest:
    skill = Skill(n=60, mae=4.0, mae_of_constant=16.0, low=-1.0, data="VAL videos", how="by hand")
    return replace(manifest, skill=skill)


def assuming(manifest: Manifest) -> Manifest:
    assumed = {"mean and std": "a neighbour's"}
    return replace(manifest, provenance={**manifest.provenance, "assumed": assumed})


@pytest.mark.parametrize(("change", "what"), [(skilled, "skill"), (assuming, "assumed")])
def test_answers_of_a_model_that_warned_of_something_else_are_not_mixed(
    change: Callable[[Manifest], Manifest], what: str, edgeecho: Any, videos: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(NARROW, tmp_path / "bundle"))
    words = ["infer", videos, "--clips", "center", "--model", bundle]
    record = tmp_path / "answers.jsonl"
    edgeecho(*words, "--resume", record)
    changed = change(read_manifest(bundle))
    (bundle / "manifest.json").write_text(json.dumps(changed.to_dict()))
    done = edgeecho(*words, "--resume", record)
    assert done.returncode == 2
    assert f"answers of another run (not the same {what}" in done.stderr


def test_another_engine_is_refused_before_its_answer_is_added(
    edgeecho: Any, videos: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    record = tmp_path / "answers.jsonl"
    words = ["infer", "--clips", "center", "--resume", record]
    edgeecho(*words, videos / "doe-jane-0.avi", "--engine", "openvino")
    content = record.read_bytes()
    done = edgeecho(*words, videos / "doe-jane-1.avi", "--engine", "onnxruntime")
    assert done.returncode == 2
    assert "holds answers of openvino" in done.stderr
    assert record.read_bytes() == content


def test_a_changed_record_is_refused_and_a_cut_line_is_dropped(
    edgeecho: Any, videos: Path, tmp_path: Path
) -> None:
    record = tmp_path / "answers.jsonl"
    words = ["infer", videos, "--clips", "center", "--resume", record]
    edgeecho(*words)
    content = record.read_bytes()
    record.write_bytes(content[:-40])
    assert "going on after 4 answers" in edgeecho(*words).stderr
    assert len(record.read_bytes().splitlines()) == 1 + 5

    record.write_bytes(content.replace(b'"clips": "center"', b'"clips": "centre"'))
    done = edgeecho(*words)
    assert done.returncode == 2
    record.write_bytes(content.replace(b'"ef": ', b'"ef": 1'))
    done = edgeecho(*words)
    assert done.returncode == 2
    assert "is damaged" in done.stderr


def test_two_calls_do_not_write_one_record(edgeecho: Any, videos: Path, tmp_path: Path) -> None:
    import fcntl

    record = tmp_path / "answers.jsonl"
    with record.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = edgeecho("infer", videos, "--clips", "center", "--resume", record)
    assert done.returncode == 2
    assert "is being written by another process" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_killed_in_the_middle_it_goes_on_and_leaves_no_process(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for number in range(40):  # 40 contents: a byte behind the end of an AVI changes nothing else
        source = sorted(PHANTOMS.iterdir())[number % 5].read_bytes()
        (folder / f"v{number:02}.avi").write_bytes(source + b"\0" * (number + 1))
    record = tmp_path / "answers.jsonl"
    words = [*COMMAND, folder, "--clips", "center", "--json", "--resume", record, "--workers", "2"]
    command = list(map(str, words))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            if record.exists() and record.read_bytes().count(b"\n") >= 4:
                break
            time.sleep(0.02)
        assert process.poll() is None, process.communicate()
        workers = children(process.pid)
        assert len(workers) >= 2
        process.kill()
    wait(lambda: not any(map(is_running, workers)), 30)

    kept = record.read_bytes().count(b"\n") - 1
    assert 3 <= kept < 40
    done = subprocess.run(command, capture_output=True, text=True)
    assert f"going on after {kept} answers" in done.stderr, done.stderr
    assert len(results(done.stdout)) == 40
    assert {r["status"] for r in results(done.stdout)} <= {"answered", "refused"}
    assert record.read_bytes().count(b"\n") == 1 + 40
