"""OpenVINO's benchmark_app against edgeecho's engine, in alternating blocks.

benchmark_app is a process that reports the median time of one block, so edgeecho's engine runs a
block of the same length on the same clip, and its median is taken too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EngineError
from edgeecho.engines import load_engine
from edgeecho.tools.bench.turns import take_turns

_MAIN = "import edgeecho; from openvino.tools.benchmark.main import main; main()"
"""What the command `benchmark_app` runs, so it is the one of this environment; but it calls nobody:
see `edgeecho.common.telemetry`."""
APP, OURS = "benchmark_app", "edgeecho"


def measure_blocks(
    file: ModelFile, clip: NDArray[np.float32], *, blocks: int, length: int, threads: int
) -> dict[str, Any]:
    """Median of every block in ms, by who ran it, and the options of benchmark_app."""
    engine = load_engine("openvino", file, threads=threads)
    engine.run(clip)

    def ours() -> float:
        times = []
        for _ in range(length):
            begin = time.perf_counter()
            engine.run(clip)
            times.append((time.perf_counter() - begin) * 1e3)
        return median(times)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "clip.npy", clip)
        # Its command line takes no -nthreads together with a hint; its configuration file does.
        config = {"CPU": {"INFERENCE_NUM_THREADS": threads}}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        options = [
            *("-d", "CPU", "-hint", "latency", "-nireq", "1", "-api", "sync"),
            *("-infer_precision", "f32", "-niter", str(length)),
            *("-shape", f"clip[{','.join(map(str, clip.shape))}]"),
        ]
        turns = take_turns(
            {APP: lambda: _app(file.path, folder, options), OURS: ours}, rounds=blocks, warmup=1
        )
    return {
        "length": length,
        "options": " ".join(options),
        "threads": threads,
        "blocks_ms": {who: list(values) for who, values in turns.items()},
    }


def _app(model: Path, folder: Path, options: list[str]) -> float:
    command = [
        *(sys.executable, "-c", _MAIN, "-m", str(model), *options),
        *("-i", f"clip:{folder / 'clip.npy'}", "-load_config", str(folder / "config.json")),
        *("-json_stats", "-report_type", "no_counters", "-report_folder", str(folder)),
    ]
    report = folder / "benchmark_report.json"
    report.unlink(missing_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not report.is_file():
        said = (done.stdout + done.stderr).strip().splitlines()
        raise EngineError(f"benchmark_app failed: {said[-1] if said else 'without a word'}")
    found = json.loads(report.read_text(encoding="utf-8"))
    return float(found["execution_results"]["latency (ms)"])
