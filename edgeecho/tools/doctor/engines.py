"""Engines, conflicting packages of one of them, the demo model, and the model cache."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING

from edgeecho.common.text import reason, without_folders
from edgeecho.tools.doctor.findings import REINSTALL, Finding

if TYPE_CHECKING:
    from edgeecho.engines import EngineDescriptor


def find_engines() -> tuple[Finding, ...]:
    try:
        from edgeecho.engines import engines
    except Exception as error:  # noqa: BLE001 - as above: NumPy or OpenCV may be broken
        return (Finding("engines", "problem", f"not looked at: {reason(error)}", REINSTALL),)
    known = engines()
    found = {engine: _engine(engine) for engine in known}
    findings = list(found.values())
    if not any(f.status == "ok" for f in findings):
        findings.append(Finding("engines", "problem", "none can be used", known[0].install))
    return (*findings, *_auto(found), *_onnxruntime_clash())


def _engine(engine: EngineDescriptor) -> Finding:
    if not engine.available:
        detail = f"not installed; would run on: {engine.runs_on}"
        return Finding(engine.name, "absent", detail, engine.install)
    try:
        return Finding(engine.name, "ok", engine.probe(engine))
    except Exception as error:  # noqa: BLE001 - as above
        from edgeecho.common.errors import EdgeEchoError
        from edgeecho.engines import NoDeviceError

        if isinstance(error, NoDeviceError):
            return Finding(engine.name, "absent", f"installed, but: {reason(error)}")
        remedy = engine.install.replace("pip install", "pip install --force-reinstall")
        if isinstance(error, EdgeEchoError):  # which says itself what to do
            remedy = ""
        return Finding(engine.name, "warning", f"installed, but fails: {reason(error)}", remedy)


def _auto(found: Mapping[EngineDescriptor, Finding]) -> tuple[Finding, ...]:
    """What `auto` takes for the default model, and what it passes over; nothing without either."""
    try:
        from edgeecho.bundle import open_model

        model = open_model()
    except Exception:  # noqa: BLE001 - as above; what is wrong with a model has a finding of its own
        return ()
    passed = []
    for engine in sorted((e for e in found if e.auto is not None), key=lambda e: e.auto or 0):
        ok = found[engine].status == "ok"
        if engine.available and (why := engine.refuses(model) if ok else found[engine].detail):
            passed.append(f"{engine.name} ({without_folders(why)})")
        elif ok:
            over = f"; passed over: {', '.join(passed)}" if passed else ""
            return (Finding("auto", "ok", f"takes {engine.name} for {model.name}{over}"),)
    return ()


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
