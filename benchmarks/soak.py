"""The DICOM node under load: many senders at once, then studies for hours in a few minutes.

    python benchmarks/soak.py --studies 1000 --concurrent 200

Runs the real `edgeecho listen` with the narrow network (or `--model`), stores `concurrent` studies
at once and the rest one by one as there is room, and receives the reports like an archive. A study
has `cines` cines and `stills` stills. It fails (exit code 1) if a study has no report or several, a
store is not answered, or memory grows: the median of the last fifth of the run may be 5 % and 8 MB
above that of the second.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEGBaseline8Bit
from pynetdicom import AE, evt
from pynetdicom.dsutils import encode
from scanner import Scanner

from edgeecho import RESEARCH_USE

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples"))
from as_dicom import write_dicom  # noqa: E402

OUT_OF_RESOURCES = 0xA700
QUIET_S = 30
"""Longer than a sender waits for room, so that each study has one report."""


def main() -> None:
    """Run it, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--concurrent", type=int, default=200)
    parser.add_argument("--cines", type=int, default=2)
    parser.add_argument("--stills", type=int, default=4)
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "narrow" / "bundle")
    options = parser.parse_args()
    video = ROOT / "examples" / "phantoms" / "Videos" / "phantom-s21-00003.avi"
    with tempfile.TemporaryDirectory() as folder, Archive() as archive:
        cine = dcmread(write_dicom(video, Path(folder) / "cine.dcm"))
        objects = [cine] * options.cines + [_still(cine)] * options.stills
        soak = Soak(Path(folder), options.model, archive, objects, options.concurrent)
        try:
            soak.burst()
            soak.rest(options.studies - options.concurrent)
            soak.wait_for_reports(options.studies)
        finally:
            soak.stop()
    sys.exit(soak.report(options.studies))


class Archive:
    """Counts the reports that it is sent, by UID."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        entity = AE(ae_title="ARCHIVE")
        entity.add_supported_context("1.2.840.10008.5.1.4.1.1.88.33")
        handlers = [(evt.EVT_C_STORE, self._store)]
        self._server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.port = self._server.server_address[1]

    def _store(self, event: evt.Event) -> int:
        self.got[event.request.AffectedSOPInstanceUID] += 1
        return 0

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()


@dataclass
class Soak:
    """A node, what was sent to it, and how much memory it had."""

    folder: Path
    model: Path
    archive: Archive
    objects: Sequence[Dataset]
    """Those of a study, but for their identifiers."""
    concurrent: int
    stores_ms: list[float] = field(default_factory=list)
    burst_ms: list[float] = field(default_factory=list)
    put_off: int = 0
    broken: list[str] = field(default_factory=list)
    memory_mb: list[tuple[float, ...]] = field(default_factory=list)
    """Of the node and its engine, every half second."""

    def __post_init__(self) -> None:
        words = ["listen", "--port", "0", "--state", f"{self.folder}/state", "--queue", "500"]
        words += ["--send-to", f"ARCHIVE@127.0.0.1:{self.archive.port}"]
        words += ["--model", str(self.model), "--quiet", str(QUIET_S)]
        self._node = subprocess.Popen(
            [sys.executable, "-c", "from edgeecho.cli.app import main; main()", *words],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._node.stderr is not None
        for line in self._node.stderr:
            if line.startswith("listening as"):
                self.port = int(line.rsplit(":", 1)[1])
                break
        else:
            sys.exit("the node did not start")
        threading.Thread(target=self._drain, daemon=True).start()
        self._watching = True
        threading.Thread(target=self._watch, daemon=True).start()
        self._begin = time.monotonic()

    def burst(self) -> None:
        """All of `concurrent` are connected before the first sends."""
        barrier = threading.Barrier(self.concurrent)

        def send(number: int) -> None:
            try:
                scanner = Scanner(self.port, JPEGBaseline8Bit)
                barrier.wait(120)
                self.burst_ms += self._store(scanner, number)
                scanner.release()
            except (OSError, threading.BrokenBarrierError) as error:
                self.broken.append(type(error).__name__)

        threads = [threading.Thread(target=send, args=(n,)) for n in range(self.concurrent)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def rest(self, count: int) -> None:
        """A new association for each, as scanners do it."""
        for number in range(self.concurrent, self.concurrent + count):
            scanner = Scanner(self.port, JPEGBaseline8Bit)
            self.stores_ms += self._store(scanner, number)
            scanner.release()

    def _store(self, scanner: Scanner, number: int) -> list[float]:
        """A study; how long each answer took that took an object, in ms."""
        return [
            self._store_one(scanner, number, which, one) for which, one in enumerate(self.objects)
        ]

    def _store_one(self, scanner: Scanner, number: int, which: int, one: Dataset) -> float:
        own = Dataset()
        own.update(one)
        own.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.9.{number + 1}.{which + 1}"
        own.StudyInstanceUID = f"1.2.826.0.1.3680043.8.498.10.{number + 1}"
        data = encode(own, False, True)
        assert data is not None
        while True:
            begin = time.monotonic()
            status = scanner.store(own.SOPInstanceUID, data)
            took = 1000 * (time.monotonic() - begin)
            if status == 0:
                return took
            if status != OUT_OF_RESOURCES:
                self.broken.append(f"status {status:04X}")
                return took
            self.put_off += 1
            time.sleep(1)

    def wait_for_reports(self, count: int) -> None:
        """Until all have come, or none has come for two minutes."""
        seen, since = 0, time.monotonic()
        while len(self.archive.got) < count and time.monotonic() - since < 120:
            if len(self.archive.got) > seen:
                seen, since = len(self.archive.got), time.monotonic()
            time.sleep(0.2)
        self.seconds = time.monotonic() - self._begin

    def stop(self) -> None:
        """By SIGTERM."""
        self._watching = False
        self._node.terminate()
        if self._node.wait(60) != 0:
            self.broken.append(f"exit code {self._node.returncode}")

    def report(self, count: int) -> int:
        """Print it; 1 where something is not as it must be."""
        got = self.archive.got
        each = f"{len(self.objects)} objects each"
        print(f"studies     {count} of {each}, {self.concurrent} at once, in {self.seconds:.0f} s")
        print(f"reports     {len(got)}, {sum(got.values())} sendings")
        print(f"put off     {self.put_off} times, since the queue was full")
        print(f"broken      {', '.join(self.broken) or 'none'}")
        for name, times in (("at once", self.burst_ms), ("one by one", self.stores_ms)):
            if len(times) > 1:
                p95 = statistics.quantiles(times, n=20)[18]
                print(
                    f"store, ms   {name}: p50 {statistics.median(times):.0f}, p95 {p95:.0f}, ",
                    end="",
                )
                print(f"max {max(times):.0f} (engine busy)")
        flat = [self._memory(which, name) for which, name in enumerate(("node", "engine"))]
        print(RESEARCH_USE)
        once = len(got) == count == sum(got.values())
        return 0 if once and all(flat) and not self.broken else 1

    def _memory(self, which: int, name: str) -> bool:
        values = [sample[which] for sample in self.memory_mb if len(sample) == 2]
        tenths = [statistics.median(part) for part in np.array_split(values, 10) if len(part)]
        print(f"RSS, MB     {name}: " + " ".join(f"{value:.0f}" for value in tenths))
        second, last = statistics.median(tenths[2:4]), statistics.median(tenths[-2:])
        return last < 1.05 * second + 8

    def _watch(self) -> None:
        while self._watching:
            children = (
                Path(f"/proc/{self._node.pid}/task/{self._node.pid}/children").read_text().split()
            )
            # The last is the engine; the first is multiprocessing's resource tracker.
            sample = [_rss_mb(pid) for pid in (self._node.pid, *map(int, children[-1:]))]
            self.memory_mb.append(tuple(sample))
            time.sleep(0.5)

    def _drain(self) -> None:
        assert self._node.stderr is not None
        for line in self._node.stderr:
            print(f"node says   {line.rstrip()}")


def _still(cine: Dataset) -> Dataset:
    """Its first frame."""
    still = Dataset()
    still.update(cine)
    still.NumberOfFrames = 1
    frames = generate_frames(cine.PixelData, number_of_frames=cine.NumberOfFrames)
    still.PixelData = encapsulate([next(frames)])
    still["PixelData"].is_undefined_length = True
    return still


def _rss_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(lines[0].split()[1]) / 1000 if lines else 0.0


if __name__ == "__main__":
    main()
