"""A Debian for arm64, emulated, with this tree's wheel in it; see `arm64_check.py`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from edgeecho.common.errors import EdgeEchoError, MissingDependencyError

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "arm64"
DEBIAN = "http://deb.debian.org/debian"
REQUIRED = "onnxruntime"
ENGINES = (REQUIRED, "openvino")
INSIDE = "/opt/edgeecho"
SITE = "opt/edgeecho/lib/python3.11/site-packages"
STEP_S = 3600
GLIBC = 36  # Bookworm has 2.36: wheels for it or an older one fit.

_RULE = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
_TOOLS = {"debootstrap": "debootstrap", "qemu-aarch64-static": "qemu-user-static"}
_VENV = "opt/edgeecho"
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
    run(
        "debootstrap", "--foreign", "--arch=arm64", "--variant=minbase", "--include=python3",
        "bookworm", str(root), DEBIAN,
    )  # fmt: skip
    for package in sorted((root / "var/cache/apt/archives").glob("*.deb")):
        run("dpkg-deb", "--extract", str(package), str(root))
    ready.touch()
    return root


def wheels() -> list[Path]:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    own = BUILD / "own"
    shutil.rmtree(own, ignore_errors=True)
    run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(own), str(ROOT))
    (wheel,) = own.glob("*.whl")
    pins = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    folder = BUILD / f"wheels-{hashlib.sha256(b''.join(pins)).hexdigest()[:12]}"
    if not folder.exists():
        fitting = [f"manylinux_2_{minor}_aarch64" for minor in range(17, GLIBC + 1)]
        platforms = [
            x for name in ("manylinux2014_aarch64", *fitting) for x in ("--platform", name)
        ]
        partial = folder.with_suffix(".partial")
        run(
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
            wheel.extractall(root / (f"opt/{package}" if package in ENGINES else SITE))
    (root / _VENV / "pyvenv.cfg").write_text("home = /usr/bin\n", "utf-8")
    commands = root / _VENV / "bin"
    commands.mkdir()
    (commands / "python").symlink_to("/usr/bin/python3")
    script = f"#!{INSIDE}/bin/python\nfrom edgeecho.cli.app import main\nmain()\n"
    (commands / "edgeecho").write_text(script, "utf-8")
    (commands / "edgeecho").chmod(0o755)
    shutil.copyfile(ROOT / ".ci/smoke", root / "smoke")
    cpuinfo = "".join(map(_CPU.format, sorted(os.sched_getaffinity(0))))
    (root / "cpuinfo").write_text(cpuinfo, "utf-8")


def enter(root: Path, *command: str, engine: str = REQUIRED) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["timeout", str(STEP_S), "unshare", "--user", "--map-root-user", "--mount", "--fork",
         "--kill-child", "sh", "-c", _ENTER, "sh", str(_RULE), str(root),
         "/usr/bin/env", f"PYTHONPATH=/opt/{engine}", *command],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def run(*command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr + done.stdout).strip().splitlines()[-1:]
        raise EdgeEchoError(f"{' '.join(command[:4])} failed: {' '.join(last)}")
    return done
