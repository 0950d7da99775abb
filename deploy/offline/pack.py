"""One archive for a machine without a network: `make offline`.

    python deploy/offline/pack.py --out build/offline --extras serve,dicom

Packs, for the Python and the kind of machine that it runs on: the wheel of this clone with the demo
model, the wheels of what it needs at the versions of constraints.txt, the pages, `install.py`, and
the SHA-256 of every file. Needs pip and an index; nothing is installed here.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from install import sha256_of  # the archive's own, which needs Python alone

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
README = """\
edgeecho {version} for {machine}, {system}, Python {python}. Research use only, not for diagnosis.

1. Compare this archive's SHA-256 with what its sender told you by another way.
2. tar -xf {name}.tar && cd {name}
3. python3 install.py FOLDER    (FOLDER: a new one, such as /opt/edgeecho)

It checks every file against SHA256SUMS, installs into FOLDER without any network, runs
`edgeecho doctor` and answers the example video. Then: FOLDER/bin/edgeecho infer VIDEO
To remove it: delete FOLDER, and ~/.cache/edgeecho of those who used it.
All pages are in pages/docs; begin with pages/README.md.
"""


def main() -> None:
    """Pack it, and say what to type on the other side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "offline", help="folder")
    parser.add_argument("--extras", default="", help="extras of pyproject.toml, with commas")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "packed"
        wheels = folder / "wheels"
        what = f"{ROOT}[{options.extras}]" if options.extras else str(ROOT)
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
        constraints = ROOT / "constraints.txt"
        code = subprocess.call([*pip, "-c", constraints, "-w", wheels, what])
        if code:
            sys.exit(f"pip found no wheels (exit code {code}): it needs its index, see above")
        facts = _facts(wheels, options.extras)
        shutil.copy(HERE / "install.py", folder)
        _copy_pages(folder / "pages")
        name = "edgeecho-{version}-{system}-{machine}-py{python}".format(**facts).lower()
        (folder / "packed.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
        (folder / "README").write_text(README.format(name=name, **facts), "utf-8")
        _write_sums(folder)
        options.out.mkdir(parents=True, exist_ok=True)
        archive = options.out / f"{name}.tar"
        with tarfile.open(archive, "w") as tar:  # wheels are compressed already
            tar.add(folder, name, filter=_nobody)
    print(f"wrote {archive}, {archive.stat().st_size / 1e6:.0f} MB")
    print(f"SHA-256 {sha256_of(archive)}")
    print(f"there: tar -xf {archive.name} && cd {name} && python3 install.py FOLDER")


def _facts(wheels: Path, extras: str) -> dict[str, str]:
    (own,) = wheels.glob("edgeecho-*.whl")
    return {
        "version": own.name.split("-")[1],
        "extras": extras,
        "python": "{}.{}".format(*sys.version_info),
        "system": platform.system(),
        "machine": platform.machine(),
    }


def _copy_pages(pages: Path) -> None:
    shutil.copytree(ROOT / "docs", pages / "docs", ignore=shutil.ignore_patterns("tools", "*.css"))
    for name in ("README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md"):
        shutil.copy(ROOT / name, pages)


def _write_sums(folder: Path) -> None:
    """As `sha256sum -c SHA256SUMS` reads it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")


def _nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whoever packs it is not named in it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    main()
