"""Cold start: the time to the first answer, each time in a new process.

`python -m edgeecho.tools.bench.cold JOB` is that process; it prints one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from importlib import import_module

from edgeecho.common.errors import EngineError

CAVEAT = (
    "only the processes are fresh: files may come from the system's cache, and the compiled "
    "model from edgeecho's (EDGEECHO_CACHE=off: compiled each time); `edgeecho infer` also loads "
    "its command line"
)


# A cold start that takes longer is hung. TensorRT inside ONNX Runtime builds an engine in each.
_LIMIT_S = 3600.0


@dataclass(frozen=True)
class ColdStartRequest:
    """What a new process is to answer, in plain types, since it is passed as JSON."""

    video: str
    """Path of the video."""
    model: str | None
    """Path of a bundle or .onnx file; None for the demo model."""
    engine: str
    precision: str
    clips: str
    """Clip mode, see `ClipMode`."""
    threads: int
    """Number of threads; 0 leaves it to the engine."""
    batch: int | None = None
    """See `Subject`."""
    plain: bool = False
    """See `Subject`."""
    beats: bool = True
    """See `Subject`."""


@dataclass(frozen=True)
class ColdStart:
    """Measurements of one new process; times in ms."""

    import_ms: float
    """Importing edgeecho, NumPy, OpenCV and the engine's package."""
    load_ms: float
    """Opening the model, checking its hash, and compiling it or loading it from edgeecho's cache.
    The video is decoded and prepared meanwhile, as in `edgeecho infer`."""
    first_inference_ms: float
    """Engine time of the first answer, for all clips of the video; without masks."""
    first_answer_ms: float
    """From the loaded model to the first answer: the rest of decoding, and the first inference."""
    start_to_answer_ms: float
    """From before the process starts until its answer has arrived."""
    peak_rss_mb: float | None
    """Peak resident memory of the process in MB (10^6 bytes)."""


def measure_cold_starts(job: ColdStartRequest, repeats: int) -> tuple[ColdStart, ...]:
    """Answer `job` in `repeats` new processes, one after the other.

    `EngineError` as soon as one fails: a crash must not just be a missing row.
    """
    return tuple(_start(job) for _ in range(repeats))


def _start(job: ColdStartRequest) -> ColdStart:
    command = [sys.executable, "-m", "edgeecho.tools.bench.cold", json.dumps(asdict(job))]
    # Stderr goes to a file: a pipe that nobody reads would block a process that prints much.
    with tempfile.TemporaryFile() as words:
        begin = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words, text=True) as process:
            assert process.stdout is not None
            clock = threading.Timer(_LIMIT_S, process.kill)
            clock.start()
            line = process.stdout.readline()
            start_to_answer_ms = (time.perf_counter() - begin) * 1e3
            process.wait()
            clock.cancel()
        words.seek(0)
        said = words.read().decode(errors="replace").strip().splitlines()
    # The exit code counts even after an answer: an engine may crash at shutdown.
    if process.returncode or not line:
        raise EngineError(
            f"a cold start failed with exit code {process.returncode} "
            f"({said[-1] if said else 'without a word'}): "
            "see what `edgeecho infer` says of the same video and model"
        )
    return ColdStart(**json.loads(line), start_to_answer_ms=start_to_answer_ms)


def main() -> None:
    """Main function of the new process: answer the job in `sys.argv[1]` and print the times."""
    job = ColdStartRequest(**json.loads(sys.argv[1]))
    begin = time.perf_counter()
    from pathlib import Path

    from edgeecho.engines import find_engine
    from edgeecho.inference import estimate_ready, read_ahead, read_ready
    from edgeecho.tools.bench.memory import peak_rss_mb
    from edgeecho.tools.bench.subject import Subject

    if engine := find_engine(job.engine):
        import_module(engine.package)
    imported = time.perf_counter()
    path = None if job.model is None else Path(job.model)
    subject = Subject(job.engine, job.precision, job.batch, job.plain, job.beats)
    file = subject.open(path)
    with read_ahead(lambda video: read_ready(video, file.preprocess), [Path(job.video)]) as reads:
        model = subject.load_opened(file, job.threads)
        loaded = time.perf_counter()
        result = estimate_ready(next(reads).result(), model, clips=job.clips)
    answered = time.perf_counter()
    times = {
        "import_ms": (imported - begin) * 1e3,
        "load_ms": (loaded - imported) * 1e3,
        "first_inference_ms": result.timings_ms["engine"],
        "first_answer_ms": (answered - loaded) * 1e3,
        "peak_rss_mb": peak_rss_mb(),
    }
    sys.stdout.write(json.dumps(times) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
