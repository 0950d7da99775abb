"""Does the runtime give the same EF on arm64? A Debian for arm64, emulated; `make check-arm64`.

It makes a root of Debian bookworm in `build/arm64`, unpacks this tree's wheel and its dependencies
for aarch64 there, and runs `doctor`, `infer`, `verify` and the smoke test in it with the narrow
model. Each engine lies in a folder of its own, so that one that fails does not hide the other. Exit
code 1 if ONNX Runtime fails there, or if an EF is further from that of this machine than the
precision's limits allow. How long anything takes under emulation says nothing about a device.

Needs Debian on x86-64, Linux 6.7 or newer (an emulator that is registered in a user namespace
leaves the machine's own settings alone), root, and the network the first time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edgeecho.common.errors import EdgeEchoError, MissingDependencyError
from edgeecho.common.precisions import LIMITS

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "arm64"
DEBIAN = "http://deb.debian.org/debian"
EXAMPLE, CHECKPOINT = "edgeecho/models/example.avi", "models/narrow/best.pt"
MODEL = BUILD / "root" / "model"
REQUIRED = "onnxruntime"
ENGINES = (REQUIRED, "openvino")
STEP_S = 3600
GLIBC = 36  # Bookworm has 2.36: wheels for it or an older one fit.

_HERE = [sys.executable, "-m", "edgeecho"]
_RULE = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
_TOOLS = {"debootstrap": "debootstrap", "qemu-aarch64-static": "qemu-user-static"}
_VENV, _INSIDE = "opt/edgeecho", "/opt/edgeecho"
_SITE = "opt/edgeecho/lib/python3.11/site-packages"
# QEMU 7.2 shows /proc/cpuinfo of the x86-64 machine, over which ONNX Runtime 1.32.0 dies at import.
# Here are a Raspberry Pi 4's; with QEMU's own CPU, `max`, numpy warned of overflow in a product.
_CPU = (
    "processor\t: {}\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\n"
    "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\n"
)
# All in namespaces of its own: what is mounted and registered here ends with it.
_ENTER = """set -e
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf %s "$(grep '^:' "$1")" >/proc/sys/fs/binfmt_misc/register
for folder in proc sys dev; do mkdir -p "$2/$folder"; mount --rbind /$folder "$2/$folder"; done
mount --bind "$2/cpuinfo" "$2/proc/cpuinfo"
folder=$2; shift 2
exec chroot "$folder" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/root LANG=C.UTF-8 \
    EDGEECHO_MODEL=/model EDGEECHO_CACHE=off QEMU_CPU=cortex-a72 "$@"
"""


def main() -> None:
    try:
        check_tools(shutil.which, os.geteuid())
        BUILD.mkdir(parents=True, exist_ok=True)
        root = debian_root()
        install(root, wheels())
        # `models/narrow/bundle` carries no reference clips for `verify`.
        _run(*_HERE, "export", CHECKPOINT, "--out", str(MODEL), "--overwrite")
    except EdgeEchoError as error:
        sys.exit(f"error: {error}")
    print(*_enter(root, "sh", "-c", "uname -m; cat /etc/debian_version").stdout.split())
    faults = [fault for engine in ENGINES for fault in check(root, engine)]
    _show("smoke test (openvino)", _enter(root, "bash", "/smoke", _INSIDE, engine="openvino"))
    print(*faults or ["passed: ONNX Runtime on arm64 gives this machine's EF"], sep="\n")
    sys.exit(1 if faults else 0)


def check_tools(which: Callable[[str], str | None], user: int) -> None:
    if missing := [package for tool, package in _TOOLS.items() if which(tool) is None]:
        raise MissingDependencyError(
            f"{' and '.join(missing)} missing: apt-get install {' '.join(missing)}"
        )
    if user != 0:
        raise EdgeEchoError("debootstrap makes device nodes: run it as root")


def debian_root() -> Path:
    """The root: packages unpacked and not configured, which Python does not need."""
    root, ready = BUILD / "root", BUILD / "root.ready"
    if ready.exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    _run(
        "debootstrap", "--foreign", "--arch=arm64", "--variant=minbase", "--include=python3",
        "bookworm", str(root), DEBIAN,
    )  # fmt: skip
    for package in sorted((root / "var/cache/apt/archives").glob("*.deb")):
        _run("dpkg-deb", "--extract", str(package), str(root))
    ready.touch()
    return root


def wheels() -> list[Path]:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    own = BUILD / "own"
    shutil.rmtree(own, ignore_errors=True)
    _run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(own), str(ROOT))
    (wheel,) = own.glob("*.whl")
    pins = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    folder = BUILD / f"wheels-{hashlib.sha256(b''.join(pins)).hexdigest()[:12]}"
    if not folder.exists():
        fitting = [f"manylinux_2_{minor}_aarch64" for minor in range(17, GLIBC + 1)]
        platforms = [
            x for name in ("manylinux2014_aarch64", *fitting) for x in ("--platform", name)
        ]
        partial = folder.with_suffix(".partial")
        _run(
            *pip, "download", "--quiet", "--dest", str(partial), "--only-binary=:all:",
            "--python-version", "3.11", *platforms, "-c", str(ROOT / "constraints.txt"),
            f"{wheel}[ort]",
        )  # fmt: skip
        partial.rename(folder)
    return [wheel, *(x for x in sorted(folder.glob("*.whl")) if not x.name.startswith("edgeecho-"))]


def install(root: Path, files: list[Path]) -> None:
    """Unpack them: pip itself takes many minutes under emulation."""
    for folder in (_VENV, *(f"opt/{engine}" for engine in ENGINES)):
        shutil.rmtree(root / folder, ignore_errors=True)
    for file in files:
        package = file.name.partition("-")[0]
        with zipfile.ZipFile(file) as wheel:
            wheel.extractall(root / (f"opt/{package}" if package in ENGINES else _SITE))
    (root / _VENV / "pyvenv.cfg").write_text("home = /usr/bin\n", "utf-8")
    commands = root / _VENV / "bin"
    commands.mkdir()
    (commands / "python").symlink_to("/usr/bin/python3")
    script = f"#!{_INSIDE}/bin/python\nfrom edgeecho.cli.app import main\nmain()\n"
    (commands / "edgeecho").write_text(script, "utf-8")
    (commands / "edgeecho").chmod(0o755)
    shutil.copyfile(ROOT / ".ci/smoke", root / "smoke")
    cpuinfo = "".join(map(_CPU.format, sorted(os.sched_getaffinity(0))))
    (root / "cpuinfo").write_text(cpuinfo, "utf-8")


def check(root: Path, engine: str) -> Iterator[str]:
    """What is wrong with it there. An engine that is not required may fail, and is then named."""
    edgeecho = f"{_INSIDE}/bin/edgeecho"
    choice = ["--engine", engine, "--precision", "fp32"]
    infer = ["infer", "--clips", "center", "--json", *choice]
    ran = [_show(f"doctor ({engine})", _enter(root, edgeecho, "doctor", engine=engine))]
    there = _enter(root, edgeecho, *infer, f"/{_SITE}/{EXAMPLE}", engine=engine)
    ran.append(_show(f"infer ({engine})", there, quiet=True))
    ran.append(
        _show(f"verify ({engine})", _enter(root, edgeecho, "verify", *choice, engine=engine))
    )
    if ran[1]:
        here = _run(*_HERE, *infer, "--model", str(MODEL), EXAMPLE)
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


def _enter(root: Path, *command: str, engine: str = REQUIRED) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["timeout", str(STEP_S), "unshare", "--user", "--map-root-user", "--mount", "--fork",
         "--kill-child", "sh", "-c", _ENTER, "sh", str(_RULE), str(root),
         "/usr/bin/env", f"PYTHONPATH=/opt/{engine}", *command],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def _show(what: str, done: subprocess.CompletedProcess[str], *, quiet: bool = False) -> bool:
    """Print how it went; whether it went well. A negative code is a signal."""
    print(f"\n{what}: {'passed' if done.returncode == 0 else f'FAILED ({done.returncode})'}")
    print("" if quiet and done.returncode == 0 else done.stdout + done.stderr, end="", flush=True)
    return done.returncode == 0


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr + done.stdout).strip().splitlines()[-1:]
        raise EdgeEchoError(f"{' '.join(command[:4])} failed: {' '.join(last)}")
    return done


if __name__ == "__main__":
    main()
