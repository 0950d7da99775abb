"""What is installed, which engines can run, what is missing and how to get it.

A broken package is what this is for, so packages are imported one by one, inside functions, and
one that fails is a finding like any other. TensorRT is found, never imported: on a machine whose
driver does not fit it, touching it can end the process.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from edgeecho import RESEARCH_USE, __version__

SCHEMA = "edgeecho-doctor-1"
Status = Literal["ok", "absent", "warning", "problem"]
_REINSTALL = "pip install --force-reinstall edgeecho"
_DRIVER = Path("/proc/driver/nvidia/version")
_JETSON = Path("/etc/nv_tegra_release")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    status: Status
    """`absent` can be done without, `warning` should be mended, a `problem` stops `infer`."""
    detail: str
    remedy: str = ""
    """What to type or do; empty where nothing is to be done."""


@dataclass(frozen=True)
class Diagnosis:
    """Everything that was found, by section."""

    sections: Mapping[str, tuple[Finding, ...]]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What stops `edgeecho infer`."""
        return tuple(f for found in self.sections.values() for f in found if f.status == "problem")

    @property
    def can_infer(self) -> bool:
        """Whether `edgeecho infer VIDEO` can work here."""
        return not self.problems


def diagnose() -> Diagnosis:
    """Look at everything; takes a few seconds, since engines are imported."""
    return Diagnosis(
        {
            "software": _software(),
            "engines": _engines(),
            "demo model": (_demo_model(),),
            "commands of the stages": _stages(),
            "NVIDIA GPU": (*_driver(), _cuda(), _tensorrt()),
        }
    )


def to_json(diagnosis: Diagnosis) -> str:
    """One JSON document."""
    value = {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "edgeecho": __version__,
        "can_infer": diagnosis.can_infer,
        "sections": {k: [asdict(f) for f in found] for k, found in diagnosis.sections.items()},
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def to_text(diagnosis: Diagnosis) -> str:
    """A page for people: the verdict first, then every finding with what to do about it."""
    lines = ["`edgeecho infer` can work here."]
    if not diagnosis.can_infer:
        lines = ["`edgeecho infer` cannot work here:"]
        for problem in diagnosis.problems:
            lines += _entry(f"{problem.name}: {problem.detail}", problem.remedy, "  - ")
    for title, findings in diagnosis.sections.items():
        lines += ["", title]
        width = max(len(f.name) for f in findings) + 2
        for f in findings:
            lines += _entry(f.detail, f.remedy, f"  {f.status:<9}{f.name:<{width}}")
    return "\n".join([*lines, "", RESEARCH_USE])


def _entry(detail: str, remedy: str, head: str) -> list[str]:
    indent = " " * len(head)
    lines = textwrap.wrap(
        detail, 80, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False
    )
    # A remedy is a command to copy: it stays in one line, however long.
    return [*lines, f"{indent}to do: {remedy}"] if remedy else lines


def _software() -> tuple[Finding, ...]:
    return (
        Finding("edgeecho", "ok", __version__),
        Finding("Python", "ok", f"{platform.python_version()} on {platform.platform()}"),
        _library("NumPy", "numpy"),
        _opencv(),
        _library("pydicom", "pydicom", "reads DICOM files"),
        _library("Pillow", "PIL", "decodes the images in compressed DICOM files"),
    )


def _library(name: str, module: str, purpose: str = "") -> Finding:
    try:
        version = import_module(module).__version__
    except Exception as error:  # noqa: BLE001 - however an import fails, it is what we look for
        return Finding(name, "problem", f"cannot be imported: {_reason(error)}", _REINSTALL)
    return Finding(name, "ok", f"{version}, {purpose}" if purpose else str(version))


def _opencv() -> Finding:
    found = _library("OpenCV", "cv2")
    if found.status != "ok":
        return found
    import cv2

    if cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG):
        return Finding("OpenCV", "ok", f"{found.detail}, reads videos (FFmpeg is built in)")
    return Finding(
        "OpenCV",
        "problem",
        f"{found.detail} without FFmpeg: videos cannot be read",
        "pip install --force-reinstall opencv-python-headless",
    )


def _engines() -> tuple[Finding, ...]:
    try:
        from edgeecho.engines import ENGINES
    except Exception as error:  # noqa: BLE001 - as above: NumPy or OpenCV may be broken
        return (Finding("engines", "problem", f"not looked at: {_reason(error)}", _REINSTALL),)
    found = [
        _engine(e.name, e.package, e.runs_on, e.install)
        if e.available
        else Finding(e.name, "absent", f"not installed; would run on: {e.runs_on}", e.install)
        for e in ENGINES
    ]
    if not any(f.status == "ok" for f in found):
        found.append(Finding("engines", "problem", "none can be used", ENGINES[0].install))
    return (*found, *_onnxruntime_clash())


def _engine(name: str, package: str, runs_on: str, install: str) -> Finding:
    try:
        module = import_module(package)
        version = str(module.__version__).partition("-")[0]
        devices = _DEVICES[name](module) if name in _DEVICES else runs_on
    except Exception as error:  # noqa: BLE001 - as above
        remedy = install.replace("install", "install --force-reinstall", 1)
        return Finding(name, "warning", f"installed, but fails: {_reason(error)}", remedy)
    return Finding(name, "ok", f"{version}; {devices}")


def _openvino_devices(module: Any) -> str:
    core = module.Core()
    names = (f"{d} ({core.get_property(d, 'FULL_DEVICE_NAME')})" for d in core.available_devices)
    return "devices: " + ", ".join(names)


def _onnxruntime_providers(module: Any) -> str:
    return "providers: " + ", ".join(module.get_available_providers())


_DEVICES: Mapping[str, Callable[[Any], str]] = {
    "openvino": _openvino_devices,
    "onnxruntime": _onnxruntime_providers,
}


def _onnxruntime_clash() -> tuple[Finding, ...]:
    """Both packages hold the module `onnxruntime` and overwrite each other's files."""
    owners = sorted(set(metadata.packages_distributions().get("onnxruntime", ())))
    if len(owners) < 2:
        return ()
    return (
        Finding(
            "onnxruntime",
            "warning",
            f"{' and '.join(owners)} are both installed, but they are the same module: "
            "the one that was installed last has overwritten the other",
            f"pip uninstall -y {' '.join(owners)}; then one of: pip install 'edgeecho[ort]' (CPU), "
            "pip install 'edgeecho[gpu]' (NVIDIA GPU)",
        ),
    )


def _demo_model() -> Finding:
    try:
        from edgeecho.bundle import DEMO, open_model
        from edgeecho.errors import ModelError
    except Exception as error:  # noqa: BLE001 - as above
        return Finding("demo", "problem", f"not looked at: {_reason(error)}", _REINSTALL)
    remedy = f"{_REINSTALL}, or give a model of your own with --model"
    if not (DEMO / "manifest.json").is_file():
        return Finding("demo", "problem", "it is not in this installation", remedy)
    try:
        file = open_model()
    except (ModelError, OSError) as error:
        return Finding("demo", "problem", _reason(error), remedy)
    return Finding(
        "demo", "ok", f"{file.name} {file.version}, {file.precision}, its hash is as it should be"
    )


def _stages() -> tuple[Finding, ...]:
    entries = {entry.name: entry for entry in metadata.entry_points(group="edgeecho.commands")}
    return tuple(_stage(entries[name]) for name in sorted(entries))


def _stage(entry: metadata.EntryPoint) -> Finding:
    name = f"edgeecho {entry.name}"
    if not _is_there(entry.module):
        package = entry.module.partition(".")[0]
        return Finding(name, "absent", f"{package} is not in this installation", _REINSTALL)
    for extra in entry.extras:
        if missing := missing_of_extra(extra):
            remedy = f"pip install 'edgeecho[{extra}]'"
            return Finding(name, "absent", f"needs {', '.join(missing)}", remedy)
    return Finding(name, "ok", "all that it needs is installed")


def _is_there(module: str) -> bool:
    """Whether a module's file is there; `find_spec` of a module in a package would import that."""
    package, _, inside = module.partition(".")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return False
    paths = [Path(folder, *inside.split(".")) for folder in spec.submodule_search_locations]
    return any(p.with_suffix(".py").is_file() or (p / "__init__.py").is_file() for p in paths)


def missing_of_extra(extra: str) -> tuple[str, ...]:
    """Packages of edgeecho's extra that are not installed, in alphabetical order."""
    missing = set()
    for line in metadata.requires("edgeecho") or []:
        requirement, _, marker = line.partition(";")
        if f"extra == '{extra}'" not in marker.replace('"', "'"):
            continue
        name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.add(name)
    return tuple(sorted(missing))


def _driver() -> tuple[Finding, ...]:
    """The kernel module's own word first; `nvidia-smi` names the cards, where it is there."""
    found = []
    # The line also names the account and machine that built the driver: take the number only.
    line = _read(_DRIVER)
    version = re.search(r"\b\d{3,}\.\d+(?:\.\d+)?\b", line)
    if version:
        found.append(Finding("driver", "ok", version.group()))
    if release := re.match(r"# (R\d+) \(release\), REVISION: ([\d.]+)", _read(_JETSON)):
        found.append(Finding("Jetson Linux", "ok", f"{release.group(1)}.{release.group(2)}"))
    found += [Finding("GPU", "ok", name) for name in _smi_names()]
    return tuple(found) or (Finding("driver", "absent", "none found; the CPU engines need none"),)


def _smi_names() -> list[str]:
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def _cuda() -> Finding:
    if find_spec("cuda") is None:
        return Finding("CUDA", "absent", "cuda-bindings is not installed, so it was not tried")
    try:
        runtime = import_module("cuda.bindings.runtime")
        code, count = runtime.cudaGetDeviceCount()
    except Exception as error:  # noqa: BLE001 - without a driver it raises whatever it likes
        return Finding("CUDA", "absent", f"cannot be used: {_reason(error)}")
    if code == runtime.cudaError_t.cudaErrorInsufficientDriver:
        return Finding("CUDA", "absent", "the NVIDIA driver is missing or too old")
    if code != runtime.cudaError_t.cudaSuccess:
        return Finding("CUDA", "absent", f"cannot be used: {code.name}")
    return Finding("CUDA", "ok" if count else "absent", f"{count} device(s)")


def _tensorrt() -> Finding:
    installed = sorted(
        {
            f"{dist.metadata['Name']} {dist.version}"
            for dist in metadata.distributions()
            if (dist.metadata["Name"] or "").lower().startswith("tensorrt")
        }
    )
    if installed:
        return Finding("TensorRT", "ok", "found, not tried: " + ", ".join(installed))
    if find_spec("tensorrt") is not None:
        return Finding("TensorRT", "ok", "found, not tried; version unknown")
    return Finding("TensorRT", "absent", "not installed; the CPU engines do not need it")


def _reason(error: BaseException) -> str:
    """First line of an error without folders: they often hold a user's name."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return re.sub(r"(?:[A-Za-z]:)?[\\/](?:[^\\/'\":()]+[\\/])+", "", first)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
