"""Mutated files of every format: no crash, no hang, no memory in proportion to a lie.

100 cases here, 10,000 in `make fuzz`. A case is reproduced by its number:
`python tests/support/fuzz_worker.py CORPUS N N+1`.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from dicoms import DICOM_FORMATS
from interlaced import write_interlaced
from media import VIDEO_FORMATS, phantom_frames, write_video
from odd_files import GROUPS
from wholes import EDITS, WHOLES, Plan, with_edits

CASES = int(os.environ.get("EDGEECHO_FUZZ_CASES", "100"))
FIRST = int(os.environ.get("EDGEECHO_FUZZ_FIRST", "0"))
LONGEST_S = 10.0
MOST_MB = 1000.0
WORKER = Path(__file__).parent / "support" / "fuzz_worker.py"


# Small headers that say much of pixels, time, pictures and kind.
ODD = [
    ("Pixels", "MP4, pixels twice as wide as high"),
    ("Pixels", "DICOM, PixelAspectRatio 1\\2"),
    ("Pixels", "DICOM, PhysicalDeltaX twice PhysicalDeltaY"),
    ("Time", "DICOM, FrameTimeVector of 99 values of 20, CineRate 50"),
    ("Time", "DICOM, H.264 of 50 frames/s, CineRate 25"),
    ("Pictures", "biplane, two DICOM regions"),
    ("Kinds", "DICOM, frames that are ordered by their place"),
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    frames = phantom_frames()[:30]
    for i, (suffix, codec, pixels, options) in enumerate(VIDEO_FORMATS.values()):
        write_video(folder / f"video{i:02}{suffix}", codec, pixels, options, frames=frames)
    for name in ("H.264", "MPEG-2, TS", "FFV1"):
        write_interlaced(folder, name)
    for i, kind in enumerate(("fragments, empty index", "WebM, live, a stall, sound")):
        path = WHOLES[kind](folder)
        path.rename(folder / f"whole{i}{path.suffix}")
    with_edits(Plan(".mp4").write(folder), EDITS["middle"][1]).rename(folder / "edited.mp4")
    for i, write in enumerate(DICOM_FORMATS.values()):
        write(folder / f"cine{i:02}.dcm")
    for i, (group, name) in enumerate(ODD):
        GROUPS[group][name].write(folder).rename(folder / f"odd{i}")
    return folder


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measures memory on Linux")
@pytest.mark.timeout(3600)
def test_nothing_crashes_hangs_or_eats_memory(corpus: Path) -> None:
    findings, outcomes = [], Counter[str]()
    case, end = FIRST, FIRST + CASES
    while case < end:
        done, finding = _run(corpus, case, end)
        outcomes.update(fact["outcome"].split(":")[0] for fact in done)
        findings += [
            fact
            for fact in done
            if fact["outcome"].startswith("CRASH") or fact["s"] > LONGEST_S or fact["mb"] > MOST_MB
        ]
        if finding:
            findings.append(finding)
        case += len(done) + bool(finding)
    print(f"{CASES} cases: {dict(outcomes)}")
    assert not findings, json.dumps(findings[:5], indent=2)
    # Mutations that never break a file, or always, would test nothing.
    assert min(outcomes["read"], outcomes["error"]) > CASES // 20


def _run(corpus: Path, first: int, last: int) -> tuple[list[dict], dict | None]:
    """The cases that one worker got through, and the one that ended it."""
    arguments = [sys.executable, str(WORKER), str(corpus), str(first), str(last)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines: queue.Queue[str | None] = queue.Queue()

    def listen() -> None:
        assert process.stdout
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=listen, daemon=True).start()
    done: list[dict] = []
    running: dict = {}
    while True:
        try:
            line = lines.get(timeout=3 * LONGEST_S)
        except queue.Empty:
            process.kill()
            return done, {**running, "outcome": "HANG"}
        if line is None:
            break
        fact = json.loads(line)
        if "begins" in fact:
            running = fact
        else:
            done.append({**running, **fact})
    code = process.wait()
    said = process.stderr.read() if process.stderr else ""
    if code:
        return done, {**running, "outcome": f"worker ended with {code}: {said[-500:]}"}
    if said:
        return done, {**running, "outcome": f"words on stderr: {said[-500:]}"}
    return done, None
