"""Does the runtime give the same EF on arm64? A Debian for arm64, emulated; `make check-arm64`.

It makes a root of Debian bookworm in `build/arm64`, unpacks this tree's wheel and its dependencies
for aarch64 there, reads files of many formats in it, and runs `doctor`, `infer`, `verify` and the
smoke test with the narrow model. Each engine lies in a folder of its own, so that one that fails
does not hide the other. Exit code 1 if a pixel differs from this machine's, if ONNX Runtime fails
there, or if an EF is further off than the precision's limits allow. How long anything takes under
emulation says nothing about a device.

Needs Debian on x86-64, Linux 6.7 or newer (an emulator that is registered in a user namespace
leaves the machine's own settings alone), root, and the network the first time.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import arm64_pixels
from arm64_root import (
    BUILD,
    ENGINES,
    INSIDE,
    REQUIRED,
    SITE,
    check_tools,
    debian_root,
    enter,
    install,
    run,
    wheels,
)  # fmt: skip

from edgeecho.common.errors import EdgeEchoError
from edgeecho.common.precisions import LIMITS

EXAMPLE, CHECKPOINT = "edgeecho/models/example.avi", "models/narrow/best.pt"
MODEL = BUILD / "root" / "model"
_HERE = [sys.executable, "-m", "edgeecho"]


def main() -> None:
    try:
        check_tools(shutil.which, os.geteuid())
        BUILD.mkdir(parents=True, exist_ok=True)
        root = debian_root()
        install(root, wheels())
        # `models/narrow/bundle` carries no reference clips for `verify`.
        run(*_HERE, "export", CHECKPOINT, "--out", str(MODEL), "--overwrite")
    except EdgeEchoError as error:
        sys.exit(f"error: {error}")
    print(*enter(root, "sh", "-c", "uname -m; cat /etc/debian_version").stdout.split())
    faults = list(pixels(root))
    faults += [fault for engine in ENGINES for fault in check(root, engine)]
    _show("smoke test (openvino)", enter(root, "bash", "/smoke", INSIDE, engine="openvino"))
    print(
        *faults or ["passed: pixels and EF on arm64 are this machine's, with ONNX Runtime"],
        sep="\n",
    )
    sys.exit(1 if faults else 0)


def pixels(root: Path) -> Iterator[str]:
    """Which files are not read to the same pixels there."""
    arm64_pixels.write_files(root / "files")
    shutil.copyfile(arm64_pixels.__file__, root / "pixels.py")
    here = arm64_pixels.digests(root / "files")
    done = enter(root, f"{INSIDE}/bin/python", "/pixels.py", "/files")
    if not _show("pixels", done):
        yield "the pixels could not be read there"
        return
    there = json.loads(done.stdout)
    yield from (f"{name}: other pixels" for name in here if there[name] != here[name])


def check(root: Path, engine: str) -> Iterator[str]:
    """What is wrong with it there. An engine that is not required may fail, and is then named."""
    edgeecho = f"{INSIDE}/bin/edgeecho"
    choice = ["--engine", engine, "--precision", "fp32"]
    infer = ["infer", "--clips", "center", "--json", *choice]
    ran = [_show(f"doctor ({engine})", enter(root, edgeecho, "doctor", engine=engine))]
    there = enter(root, edgeecho, *infer, f"/{SITE}/{EXAMPLE}", engine=engine)
    ran.append(_show(f"infer ({engine})", there, quiet=True))
    ran.append(_show(f"verify ({engine})", enter(root, edgeecho, "verify", *choice, engine=engine)))
    if ran[1]:
        here = run(*_HERE, *infer, "--model", str(MODEL), EXAMPLE)
        yield from compare(json.loads(there.stdout), json.loads(here.stdout))
    if engine == REQUIRED and not all(ran):
        yield f"{engine} does not do on arm64 what it has to"


def compare(there: dict[str, Any], here: dict[str, Any]) -> Iterator[str]:
    """What differs by more than the precision's limits."""
    efs = [answer["results"][0]["ef"] for answer in (there, here)]
    for answer, ef in zip((there, here), efs, strict=True):
        print(f"EF {ef:.6f}  {answer['engine']['name']}, {answer['engine']['device']}")
    allowed = LIMITS[there["model"]["precision"]].max or 0.0
    if (difference := abs(efs[0] - efs[1])) > allowed:
        yield f"EF differs by {difference:.6f} points, allowed {allowed}"


def _show(what: str, done: CompletedProcess[str], *, quiet: bool = False) -> bool:
    """Print how it went; whether it went well. A negative code is a signal."""
    print(f"\n{what}: {'passed' if done.returncode == 0 else f'FAILED ({done.returncode})'}")
    print("" if quiet and done.returncode == 0 else done.stdout + done.stderr, end="", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
