"""What a machine with a GPU can do with edgeecho: `make gpu-check`; docs/gpus.md has the way.

    python benchmarks/gpu_check.py --out build/gpu-check

Runs the commands of a user one after the other, each in a process of its own with a limit of its
own, and writes gpu-check.json and gpu-check.md. What the machine lacks is a row that says so; what
fails or hangs stops nothing else. Without a GPU it takes the narrow network and the CPU's engines.
Exit code 0: no headline command failed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gpu_check.page import to_markdown
from gpu_check.plan import Setting, plan
from gpu_check.steps import run_steps

from edgeecho import RESEARCH_USE
from edgeecho.common.files import make_folder, write_json, write_text

SCHEMA = "edgeecho-gpu-check-1"
BAD = ("failed", "timed out", "no time left")


def main() -> int:
    """Run all of it, and write both files."""
    options = _options()
    make_folder(options.out)
    begin = time.monotonic()
    rows: list[dict[str, Any]] = []
    # A step that is under way ends with this program.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(
            Path(folder).resolve(),
            narrow=options.narrow,
            few=options.few,
            checkpoint=options.checkpoint,
            model=options.model,
            data=options.data,
        )
        for row in run_steps(plan(setting), setting.work, minutes=options.minutes):
            rows.append(row)
            failed = _write(options.out, rows, setting, time.monotonic() - begin)
    print(f"wrote gpu-check.json and gpu-check.md into {options.out}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def _write(out: Path, rows: list[dict[str, Any]], setting: Setting, seconds: float) -> list[str]:
    """Both files, after each step, so that a machine that goes down leaves what was seen."""
    failed = [row["name"] for row in rows if row["headline"] and row["state"] in BAD]
    document = {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "network": setting.network,
        "seconds": round(seconds, 1),
        "headline_failed": failed,
        "steps": rows,
    }
    write_json(out / "gpu-check.json", document)
    write_text(out / "gpu-check.md", to_markdown(document))
    return failed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/gpu-check"), help="folder")
    parser.add_argument(
        "--minutes", type=float, default=8, help="of the whole; the steps' limits grow with it"
    )
    parser.add_argument(
        "--narrow", action="store_const", const=True, help="default: where there is no GPU"
    )
    parser.add_argument(
        "--few", action="store_true", help="as few runs as there can be, without INT8: a test"
    )
    parser.add_argument("--checkpoint", type=Path, help="another than the demo's or the narrow")
    parser.add_argument("--model", type=Path, help="a bundle of --checkpoint")
    parser.add_argument("--data", type=Path, help="a data set instead of phantoms made here")
    options = parser.parse_args()
    if (options.checkpoint is None) != (options.model is None):
        parser.error("--checkpoint and --model, a bundle of it, go together")
    return options


if __name__ == "__main__":
    sys.exit(main())
