"""Install edgeecho from the unpacked archive beside this file, without any network.

    python3 install.py FOLDER

Checks every file first; installs nothing if one is missing, changed or too many. Needs Python with
its module venv, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
_EXAMPLE = "from edgeecho.bundle import EXAMPLE; print(EXAMPLE)"


def main() -> None:
    """Check, install, and answer a video."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python3 install.py FOLDER  (a new folder, such as /opt/edgeecho)")
    folder = Path(sys.argv[1]).resolve()
    if folder.exists():
        sys.exit(f"{folder} is there already: name a new folder, or delete it first")
    check_files(HERE)
    facts = json.loads((HERE / "packed.json").read_text("utf-8"))
    check_machine(facts)
    print("every file is as it was packed", flush=True)
    try:
        install(folder, facts)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(f"not installed, and {folder} was removed: {error}")
    print(f"installed: {folder / 'bin' / 'edgeecho'}")


def check_files(here: Path) -> None:
    """End the program, with the file's name, unless all are as SHA256SUMS says, and no other."""
    lines = (here / "SHA256SUMS").read_text("utf-8").splitlines()
    wanted = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = {path.relative_to(here).as_posix() for path in here.rglob("*") if not path.is_dir()}
    wrong = dict.fromkeys(wanted.keys() - found, "missing")
    wrong |= dict.fromkeys(found - wanted.keys() - {"SHA256SUMS"}, "not of this archive")
    for name in wanted.keys() & found:
        if sha256_of(here / name) != wanted[name]:
            wrong[name] = "changed"
    if wrong:
        told = "; ".join(f"{name} is {why}" for name, why in sorted(wrong.items()))
        sys.exit(f"nothing was installed: {told}. Unpack the archive again, or ask for another")


def sha256_of(file: Path) -> str:
    """Its SHA-256 as hexadecimal digits."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_machine(facts: dict[str, str]) -> None:
    """End the program if the wheels are for another Python or another kind of machine."""
    python = "{}.{}".format(*sys.version_info)
    here = {"python": python, "system": platform.system(), "machine": platform.machine()}
    for name, value in here.items():
        if facts[name] != value:
            sys.exit(
                f"nothing was installed: this archive is for {name} {facts[name]}, and here it is "
                f"{value}: start it with that one, or pack it again on a machine like this"
            )


def install(folder: Path, facts: dict[str, str]) -> None:
    """A virtual environment, then doctor and the example in it; raises where one of them fails."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    extras = f"[{facts['extras']}]" if facts["extras"] else ""
    # -I: nothing of the caller's folder or variables is imported.
    words = (
        "--quiet",
        "--disable-pip-version-check",
        "--no-index",
        "--find-links",
        HERE / "wheels",
    )
    what = f"edgeecho{extras}=={facts['version']}"
    pip = [python, "-I", "-m", "pip", "--isolated", "install", *words, what]
    subprocess.run(pip, check=True)
    # What is compiled for this trial stays in nobody's home folder.
    environment = {**os.environ, "EDGEECHO_CACHE": "off"}
    environment.pop("EDGEECHO_MODEL", None)
    example = subprocess.run(
        [python, "-I", "-c", _EXAMPLE], check=True, capture_output=True, text=True
    ).stdout.strip()
    for command in (("doctor",), ("infer", example)):
        subprocess.run([python, "-I", "-m", "edgeecho", *command], check=True, env=environment)


if __name__ == "__main__":
    main()
