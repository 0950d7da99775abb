"""What commands print, kept in docs/screens for the pages that show it.

    python docs/tools/keep_screens.py [infer bench export]

Run it on a quiet machine, in a clone with its environment: times and engines are of where it runs.
Tests hold the pages to the kept files, and the words of the kept files to what commands print.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCREENS = ROOT / "docs" / "screens"


def command(name: str) -> list[str]:
    """The words behind `$ edgeecho` in the first line of a kept file."""
    first = (SCREENS / f"{name}.txt").read_text(encoding="utf-8").partition("\n")[0]
    return shlex.split(first.removeprefix("$ edgeecho "))


def keep(name: str) -> None:
    """Run the command of a kept file again, and keep what it prints."""
    words = command(name)
    # `edgeecho export` alone writes this folder, and replaces none.
    shutil.rmtree(ROOT / "bundles" / "demo", ignore_errors=True)
    main = "from edgeecho.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", main, *words],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "EDGEECHO_MODEL"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    shown = shlex.join(["edgeecho", *words])
    (SCREENS / f"{name}.txt").write_text(f"$ {shown}\n{done.stdout}", encoding="utf-8")


if __name__ == "__main__":
    for screen in sys.argv[1:] or ("infer", "bench", "export"):
        keep(screen)
