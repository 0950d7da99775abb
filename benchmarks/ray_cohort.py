"""A cohort on a Ray of three nodes that are killed, and what Ray costs: `make test-ray`.

    python benchmarks/ray_cohort.py --clips 2000 --timed 200

Everything is on this machine. Two nodes are killed while it runs and others join; then the driver
is killed, and the same command goes on, during which a worker is killed. Exit code 1 if the table
has not each file once, or if more was computed again than was in flight.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT), str(ROOT / "tests" / "support")]
os.environ["PYTHONPATH"] = os.pathsep.join(
    str(ROOT / name) for name in (".", "train", "calibration", "export", "tests/support")
)
os.environ["EDGEECHO_MODEL"] = str(ROOT / "models" / "narrow" / "bundle")

from media import write_video  # noqa: E402
from processes import wait  # noqa: E402
from ray_nodes import Nodes  # noqa: E402
from tabled import PHANTOMS, parts, rows_of  # noqa: E402

from edgeecho.batch import BLOCK  # noqa: E402
from edgeecho.cine import read_cine  # noqa: E402

DRIVER = ROOT / "tests" / "support" / "ray_driver.py"
CRASHING, DAMAGED, NO_VIDEOS = 6, 7, 7
POISONED = CRASHING + DAMAGED + NO_VIDEOS
FRAMES = 66
NODES = 2
"""With a core each, beside the head, which has none."""
NUMBERS = ("EF", "SD", "Min", "Max", "Clips", "HeartRate", "Status", "Refusals", "Warnings")


def make_clips(folder: Path, number: int, poisoned: bool) -> None:
    """Copies of a second of the example phantoms, each with a hash of its own: bytes behind the end
    of an AVI change nothing else."""
    folder.mkdir()
    videos = [_second(file) for file in PHANTOMS]
    good = number - POISONED if poisoned else number
    for index in range(good):
        kind = index % len(videos)
        content = videos[kind] + index.to_bytes(4, "big")
        (folder / f"p{kind}-{index:05}.avi").write_bytes(content)
    if not poisoned:
        return
    # Names among the others, so that they are met throughout.
    for index in range(POISONED):
        file = folder / f"p{index % len(videos)}-{index * good // POISONED:05}-poison.avi"
        if index < CRASHING:
            file.write_bytes(b"please crash" if not index else _crash(index))
        elif index < CRASHING + DAMAGED:
            file.write_bytes(videos[0][: 3000 + index])
        else:
            file.write_bytes(b"no video %d" % index)


@cache
def _second(file: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        frames = read_cine(file).frames[:FRAMES]
        return write_video(Path(folder) / "second.avi", frames=frames).read_bytes()


def _crash(index: int) -> bytes:
    return b"please crash" + b"!" * index


def start(words: list[object]) -> subprocess.Popen[str]:
    """A Python with these words."""
    command = [sys.executable, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def rows_in(table: Path) -> int:
    """So far; parts that are written are not read again."""
    return sum(BLOCK for _ in parts(table))


def disturbed(folder: Path, work: Path, clips: int) -> dict[str, Any]:
    """What became of the table of a cohort whose nodes and driver are killed."""
    table, log = work / "table", work / "log"
    nodes = Nodes(work / "r", NODES)
    words: list[object] = [DRIVER, folder, table, nodes.address, log]
    begin = time.monotonic()

    def until(share: float, driver: subprocess.Popen[str]) -> None:
        wait(lambda: rows_in(table) >= share * clips or driver.poll() is not None, 3600)
        print(f"  {time.monotonic() - begin:6.0f} s: {rows_in(table)} rows", flush=True)

    try:
        driver = start(words)
        for share in (0.15, 0.35):
            until(share, driver)
            nodes.lose()
            print("           a node is killed", flush=True)
            time.sleep(5)
            nodes.add()
            print("           another joins", flush=True)
        until(0.55, driver)
        time.sleep(1)  # just after a part is written, a kill would cost no row
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
        kept = len(rows_of(table))
        print(f"           the driver is killed; {kept} rows are kept", flush=True)
        again = start(words)
        until(0.75, again)
        os.kill(wait(an_actor), signal.SIGKILL)
        print("           a worker is killed", flush=True)
        out, err = again.communicate()
        if again.returncode:
            raise SystemExit(err)
    finally:
        nodes.end()
    return {
        "rows": rows_of(table),
        "answered": log.read_text().splitlines(),
        "second call": int(out) == clips - kept,
        "seconds": time.monotonic() - begin,
    }


def an_actor() -> int | None:
    """The process id of one that runs."""
    found = subprocess.run(["pgrep", "-f", "ray::Actor"], capture_output=True, text=True)  # noqa: PLW1510
    return int(found.stdout.split()[0]) if found.stdout else None


def pace(folder: Path, table: Path, *more: str) -> tuple[float, float]:
    """Files a second of `edgeecho cohort`: from the first part on, and altogether."""
    words = ["-m", "edgeecho", "cohort", folder, "--out", table, "--format", "csv", *more]
    begin = time.monotonic()
    process = start(words)
    wait(lambda: parts(table) or process.poll() is not None, 600)
    first = time.monotonic()
    process.communicate()
    end, files = time.monotonic(), len(rows_of(table))
    return (files - BLOCK) / (end - first), files / (end - begin)


def main() -> None:
    """Print what was found, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--timed", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        failed = _check(Path(folder), asked.clips)
        _time(Path(folder), asked.timed)
    sys.exit(failed)


def _check(work: Path, clips: int) -> bool:
    make_clips(work / "clips", clips, poisoned=True)
    print(f"{clips} clips, {POISONED} of them poisoned, on {NODES + 1} nodes, one the head:")
    found = disturbed(work / "clips", work, clips)
    rows, answered = found["rows"], found["answered"]
    status = Counter(row["Status"] for row in rows)
    by_kind = {
        kind: {
            tuple(row[name] for name in NUMBERS)
            for row in rows
            if re.fullmatch(rf"p{kind}-\d+\.avi", row["FileName"])
        }
        for kind in range(len(PHANTOMS))
    }
    make_clips(work / "few", len(PHANTOMS), poisoned=False)
    pace(work / "few", work / "here")
    here = [tuple(row[name] for name in NUMBERS) for row in rows_of(work / "here")]
    again = len(answered) - len(set(answered))
    poison = {row["FileName"]: row["Error"] for row in rows if "poison" in row["FileName"]}
    # The driver takes at most the rows that wait for their part, and a file a worker; a node or a
    # worker takes its file.
    most = BLOCK - 1 + NODES + 2 + 1
    held = {
        f"{clips} rows, each once": [r["Number"] for r in rows] == list(range(1, clips + 1)),
        f"{POISONED} poisoned files are rows with a reason": len(poison) == POISONED
        and all(poison.values()) and status["error"] == POISONED,
        f"{again} computed again, at most {most}": again <= most,
        "the second call computed what the first had not kept": found["second call"],
        "the numbers are those of one machine, to the last digit": by_kind
        == {kind: {numbers} for kind, numbers in enumerate(here)},
    }  # fmt: skip
    print(f"in {found['seconds']:.0f} s: {dict(status)}")
    for what, holds in held.items():
        print(f"- {'yes' if holds else 'NO'}: {what}")
    for why, number in Counter(re.sub(r"p\d-\S+avi", "FILE", w) for w in poison.values()).items():
        print(f"- {number} x {why}")
    return not all(held.values())


def _time(work: Path, clips: int) -> None:
    make_clips(work / "timed", clips, poisoned=False)
    print(f"\nundisturbed, {clips} clips, Ray {version('ray')}, files a second:")
    print("\n| | after the first part | altogether |\n|---|---|---|")
    for turn in range(2):
        for name, more in (("one machine", ()), ("--ray local", ("--ray", "local"))):
            steady, whole = pace(work / "timed", work / f"{name}-{turn}", *more)
            print(f"| {name} | {steady:.2f} | {whole:.2f} |", flush=True)


if __name__ == "__main__":
    main()
