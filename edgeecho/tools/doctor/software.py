"""Python packages that read files, and those that stages need."""

from __future__ import annotations

import platform
from importlib import import_module, metadata

from edgeecho.common.about import VERSION
from edgeecho.common.extras import missing_of_extra
from edgeecho.common.plugins import find_source
from edgeecho.common.text import reason
from edgeecho.tools.doctor.findings import REINSTALL, Finding


def find_software() -> tuple[Finding, ...]:
    return (
        Finding("edgeecho", "ok", VERSION),
        Finding("Python", "ok", f"{platform.python_version()} on {platform.platform()}"),
        _library("NumPy", "numpy"),
        _library("PyAV", "av", "reads videos (FFmpeg is built in)"),
        _library("OpenCV", "cv2", "resizes frames and finds the sector"),
        _library("pydicom", "pydicom", "reads DICOM files"),
        _library("Pillow", "PIL", "decodes the images in compressed DICOM files"),
    )


def _library(name: str, module: str, purpose: str = "") -> Finding:
    try:
        version = import_module(module).__version__
    except Exception as error:  # noqa: BLE001 - however an import fails, it is what we look for
        return Finding(name, "problem", f"cannot be imported: {reason(error)}", REINSTALL)
    return Finding(name, "ok", f"{version}, {purpose}" if purpose else str(version))


def find_stages() -> tuple[Finding, ...]:
    entries = {entry.name: entry for entry in metadata.entry_points(group="edgeecho.commands")}
    return tuple(_stage(entries[name]) for name in sorted(entries))


def _stage(entry: metadata.EntryPoint) -> Finding:
    name = f"edgeecho {entry.name}"
    if find_source(entry.module) is None:
        package = entry.module.partition(".")[0]
        return Finding(name, "absent", f"{package} is not in this installation", REINSTALL)
    for extra in entry.extras:
        if missing := missing_of_extra(extra):
            remedy = f"pip install 'edgeecho[{extra}]'"
            return Finding(name, "absent", f"needs {', '.join(missing)}", remedy)
    return Finding(name, "ok", "all that it needs is installed")
