"""Which steps there are, in the order of what matters if time runs out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeecho.bundle import DEMO, EXAMPLE
from gpu_check.steps import ROOT, Step

HERE = Path(__file__).parent
EDGEECHO = ("-m", "edgeecho")
NARROW = ROOT / "models" / "narrow"
CHECKPOINT = NARROW / "best.pt"
TORCH = ("torch", "torchvision")
EXPORT = (*TORCH, "onnx", "onnxscript")
# A few phantoms calibrate INT8 badly; here the engines are looked at, and the drift is shown.
WIDE = [word for name, points in (("mean", 4), ("p95", 8), ("max", 12), ("mae", 4))
        for word in ("--limit", f"int8.{name}={points}")]  # fmt: skip


@dataclass
class Setting:
    """What is run; `narrow` None: decided once it is known whether there is a GPU."""

    work: Path
    narrow: bool | None = None
    few: bool = False
    """As few runs and clips as there can be."""
    checkpoint: Path | None = None
    model: Path | None = None
    """A bundle of the checkpoint, whose preprocessing the calibration set is made for."""
    data: Path | None = None
    fell_back: bool = False
    """No bundle was made, so the steps after `export` took the narrow one."""

    @property
    def network(self) -> str:
        """What the steps were run with, for the page."""
        asked = "narrow" if self.narrow else "full size"
        return f"{asked}; after export failed: narrow" if self.fell_back else asked

    def count(self, many: int, few: int) -> str:
        return str(few if self.few else many)


def plan(setting: Setting) -> Iterator[Step]:
    """The steps; each is made when those before it have run."""
    work = setting.work
    yield Step("machine", (HERE / "machine.py", work / "machine.json"), 60,
               writes=work / "machine.json")  # fmt: skip
    machine = _read(work / "machine.json")
    gpu = machine.get("gpu") or {}
    if setting.narrow is None:
        setting.narrow = not gpu
    if setting.checkpoint is None or setting.model is None:
        demo = ROOT / "models" / "demo" / "checkpoint.safetensors"
        setting.checkpoint = CHECKPOINT if setting.narrow else demo
        setting.model = NARROW / "bundle" if setting.narrow else DEMO
    yield Step("doctor", (*EDGEECHO, "doctor", "--json"), 40, headline=True)
    yield Step("infer", (*EDGEECHO, "infer", EXAMPLE, "--json", "--model", setting.model), 40,
               headline=True, fine=(0, 5))  # fmt: skip
    yield from _bundle_made(setting)
    bundle = work / "bundle"
    if not (bundle / "manifest.json").is_file():
        bundle = NARROW / "bundle"  # which is in every clone, so that the engines can be tried
        setting.fell_back = True
    precisions = list(_read(bundle / "manifest.json")["artefacts"])
    engines = machine.get("engines") or []
    yield from _engines_built(bundle, gpu, {engine["name"] for engine in engines})
    # A bundle that brings no clips of its own is held to its FP32 on phantoms.
    data = setting.data or work / "phantoms"
    own = (bundle / "references.npz").is_file()
    given = () if own else ("--data", data, "--split", "TRAIN", "--clips", setting.count(8, 2))
    yield Step("verify on every engine", (*EDGEECHO, "verify", bundle, "--json", *given), 90,
               headline=True)  # fmt: skip
    for engine in engines:
        yield from _answers(bundle, engine, precisions)
    kind = "nvidia" if gpu else "cpu"
    if not setting.few:
        yield from _masks(work / "masks", [e for e in engines if e["device"] == kind])
    timed = [e["name"] for e in engines if e["device"] == kind and not _lacks(e)]
    yield from _measured(setting, bundle, precisions, timed, bool(gpu))


def _answers(bundle: Path, engine: dict[str, str], precisions: list[str]) -> Iterator[Step]:
    name = engine["name"]
    if lack := _lacks(engine):
        yield Step(f"infer, {name}", (), 0, absent=lack)
        return
    if name.startswith("tensorrt"):
        precisions = ["fp16"]  # one engine is built, to stay within the time
    for precision in precisions if engine["device"] != "cpu" else precisions[:1]:
        words = ("infer", EXAMPLE, "--json", "--model", bundle, "--engine", name)
        yield Step(f"infer, {name} {precision}", (*EDGEECHO, *words, "--precision", precision), 40,
                   headline=True, fine=(0, 5))  # fmt: skip


def _lacks(engine: dict[str, str]) -> str:
    """What an installed engine lacks here; one that fails for another reason has a fault."""
    lacks = engine["status"] == "absent" or "cannot open shared object file" in engine["detail"]
    return engine["detail"] if lacks else ""


def _bundle_made(setting: Setting) -> Iterator[Step]:
    data = setting.data or setting.work / "phantoms"
    if setting.data is None:
        # A seed whose 16 draws hold all three splits.
        n, seed = ("16", "158") if setting.narrow else ("160", "1")
        yield Step("phantoms", (*EDGEECHO, "phantom", "--out", data, "--n", n, "--seed", seed,
                   "--frames", "70"), 60)  # fmt: skip
    chosen = setting.work / "set.json"
    yield Step("calibration set", (*EDGEECHO, "calibrate", "select", data, "--out", chosen, "--n",
               setting.count(8, 2), "--model", setting.model), 30)  # fmt: skip
    # In the suite's minute: calibrating and checking INT8 takes as long as all the rest.
    int8 = () if setting.few else ("--int8", "--method", "minmax", *WIDE)
    yield Step("export", (*EDGEECHO, "export", setting.checkpoint, "--out", setting.work / "bundle",
               "--name", "checked", "--fp16", *int8, "--calibration", chosen), 150, headline=True,
               needs=EXPORT)  # fmt: skip


def _masks(bundle: Path, engines: list[dict[str, str]]) -> Iterator[Step]:
    """The narrow network with its segmentation: the demo has none."""
    yield Step("export with masks", (*EDGEECHO, "export", CHECKPOINT, "--segmentation",
               NARROW / "segmentation.safetensors", "--fp16", "--out", bundle, "--name", "masks"),
               120, headline=True, needs=EXPORT)  # fmt: skip
    for engine in engines:
        for precision in ("fp32", "fp16"):
            lack = "no bundle with masks was made" if not bundle.is_dir() else _lacks(engine)
            words = ("infer", EXAMPLE, "--json", "--model", bundle, "--engine", engine["name"])
            yield Step(f"infer with masks, {engine['name']} {precision}",
                       (*EDGEECHO, *words, "--precision", precision), 40, headline=not lack,
                       fine=(0, 5), absent=lack)  # fmt: skip


def _engines_built(bundle: Path, gpu: dict[str, Any], there: set[str]) -> Iterator[Step]:
    for engine in ("tensorrt", "tensorrt-rtx"):
        absent = "" if engine in there else "its package is not installed"
        if not gpu:
            absent = absent or "no GPU to build for"
        elif "fp16" not in _read(bundle / "manifest.json")["artefacts"]:
            absent = absent or "there is no fp16.onnx to build of"
        words = ("build", bundle, "--precision", "fp16", "--engine", engine)
        capability = ("--compute-capability", gpu.get("compute_capability", ""))
        rtx = engine == "tensorrt-rtx"
        yield Step(f"build, {engine}", (*EDGEECHO, *words, *(capability if rtx else ())), 120,
                   absent=absent)  # fmt: skip


def _measured(
    setting: Setting, bundle: Path, precisions: list[str], engines: list[str], gpu: bool
) -> Iterator[Step]:
    work, fast = setting.work, "fp16" if gpu and "fp16" in precisions else precisions[0]
    checkpoint = setting.checkpoint if bundle.parent == work else CHECKPOINT
    few = ("--few",) if setting.few else ()
    yield Step("against PyTorch", (HERE / "peers.py", bundle, checkpoint, work / "peers.json",
               "--engines", ",".join(engines), *few), 120, needs=TORCH,
               writes=work / "peers.json")  # fmt: skip
    bench = (*EDGEECHO, "bench", "--json", "--model", bundle, "--precision", fast)
    yield Step("bench", (*bench, "--runs", setting.count(30, 1), "--cold-starts",
               setting.count(3, 0)), 60, headline=True)  # fmt: skip
    video = work / "long"
    frames = "70" if setting.few else "176"
    yield Step("phantom for a study", (*EDGEECHO, "phantom", "--out", video, "--n", "1", "--seed",
               "11", "--split", "TEST", "--frames", frames), 20)  # fmt: skip
    for precision in dict.fromkeys((precisions[0], fast)):
        words = ("--scenario", "study", "--precision", precision, "--cold-starts", "0")
        yield Step(f"study, {precision}", (*bench[:-2], video / "Videos" / "phantom-s11-00000.avi",
                   *words, "--warmup", setting.count(1, 0), "--runs", setting.count(3, 1)),
                   60)  # fmt: skip
    yield Step("training", (HERE / "training.py", setting.data or work / "phantoms", work,
               *(("--narrow",) if setting.narrow else ())), 90, needs=TORCH,
               writes=work / "training.json")  # fmt: skip
    tests = ("-m", "pytest", "tests/engines/test_on_gpu.py", "-rs", "-qq", "-p", "no:cacheprovider")
    yield Step("tests for a GPU", tests, 120, needs=("pytest",), skipped=5)


def _read(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return found
    return {}
