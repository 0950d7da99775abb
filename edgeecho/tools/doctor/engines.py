"""Engines, conflicting packages of one of them, the demo model, and the model cache."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from edgeecho.common.text import reason
from edgeecho.tools.doctor.findings import REINSTALL, Finding

if TYPE_CHECKING:
    from edgeecho.engines import EngineDescriptor


def find_engines() -> tuple[Finding, ...]:
    try:
        from edgeecho.engines import engines
    except Exception as error:  # noqa: BLE001 - as above: NumPy or OpenCV may be broken
        return (Finding("engines", "problem", f"not looked at: {reason(error)}", REINSTALL),)
    known = engines()
    found = [_engine(engine) for engine in known]
    if not any(f.status == "ok" for f in found):
        found.append(Finding("engines", "problem", "none can be used", known[0].install))
    return (*found, *_onnxruntime_clash())


def _engine(engine: EngineDescriptor) -> Finding:
    if not engine.available:
        detail = f"not installed; would run on: {engine.runs_on}"
        return Finding(engine.name, "absent", detail, engine.install)
    try:
        return Finding(engine.name, "ok", engine.probe(engine))
    except Exception as error:  # noqa: BLE001 - as above
        if engine.device != "cpu":
            missing = _DEVICES.get(engine.device, engine.device)
            detail = f"installed, but no {missing} can be used: {reason(error)}"
            return Finding(engine.name, "absent", detail)
        remedy = engine.install.replace("install", "install --force-reinstall", 1)
        return Finding(engine.name, "warning", f"installed, but fails: {reason(error)}", remedy)


_DEVICES = {"nvidia": "GPU"}
"""Names for kinds of devices."""


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
