"""Engines, the clash that breaks one of them, the demo model, and what is kept of models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module, metadata
from typing import Any

from edgeecho.tools.doctor.findings import REINSTALL, Finding, reason


def find_engines() -> tuple[Finding, ...]:
    try:
        from edgeecho.engines import ENGINES
    except Exception as error:  # noqa: BLE001 - as above: NumPy or OpenCV may be broken
        return (Finding("engines", "problem", f"not looked at: {reason(error)}", REINSTALL),)
    found = [
        Finding(e.name, "absent", f"not installed; would run on: {e.runs_on}", e.install)
        if not e.available
        else _gpu_engine(e.name, e.runs_on)
        if e.gpu
        else _engine(e.name, e.package, e.runs_on, e.install)
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
        return Finding(name, "warning", f"installed, but fails: {reason(error)}", remedy)
    return Finding(name, "ok", f"{version}; {devices}")


def _gpu_engine(name: str, runs_on: str) -> Finding:
    """Its package is not imported: see `gpu`."""
    from edgeecho.engines.cuda import probe

    try:
        device = probe()
    except Exception as error:  # noqa: BLE001 - as above
        return Finding(name, "absent", f"installed, but no GPU can be used: {reason(error)}")
    return Finding(name, "ok", f"installed, not tried; {device.label}; runs on: {runs_on}")


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


def find_demo_model() -> Finding:
    try:
        from edgeecho.bundle import DEMO, open_model
        from edgeecho.common.errors import ModelError
    except Exception as error:  # noqa: BLE001 - as above
        return Finding("demo", "problem", f"not looked at: {reason(error)}", REINSTALL)
    remedy = f"{REINSTALL}, or give a model of your own with --model"
    if not (DEMO / "manifest.json").is_file():
        return Finding("demo", "problem", "it is not in this installation", remedy)
    try:
        file = open_model(DEMO)
    except (ModelError, OSError) as error:
        return Finding("demo", "problem", reason(error), remedy)
    return Finding(
        "demo", "ok", f"{file.name} {file.version}, {file.precision}, its hash is as it should be"
    )


def find_cache() -> Finding:
    try:
        from edgeecho.common.cache import LIMIT_BYTES, VARIABLE, describe_folder, entries
    except Exception as error:  # noqa: BLE001 - as above
        return Finding("compiled models", "warning", f"not looked at: {reason(error)}", REINSTALL)
    sizes = [facts.st_size for facts in entries().values()]
    where = describe_folder()
    if where == "switched off":
        return Finding("compiled models", "absent", f"{where} by {VARIABLE}")
    used = f"{sum(sizes) / 1e6:.0f} MB of at most {LIMIT_BYTES / 1e6:.0f} MB"
    remedy = "edgeecho doctor --clear-cache, to remove them" if sizes else ""
    return Finding("compiled models", "ok", f"{len(sizes)} in {where}, {used}", remedy)
