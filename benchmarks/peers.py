"""edgeecho against its peers: the same network, clips and threads, taking turns in one run.

    python benchmarks/peers.py --bundle BUNDLE --checkpoint CHECKPOINT --out results/peers.json

Scenarios: `single` is one clip in memory to its EF; `study` a prepared video of 176 frames to the
EFs of all its 114 clips, as EchoNet-Dynamic publishes them; `app` edgeecho's engine against
OpenVINO's benchmark_app. The file is written after each scenario and keeps earlier ones of the
same network and machine, so that they can be measured one by one.
`python benchmarks/speed_page.py` makes the tables of docs/speed.md from the file.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from app_blocks import measure_blocks
from peer_networks import EAGER, Clips, Peer, Setting, StudyAnswer, all_clips, make_peers

from edgeecho import RESEARCH_USE
from edgeecho.bundle import ModelFile, open_model, read_manifest
from edgeecho.cine import read_cine
from edgeecho.common.environment import read_environment
from edgeecho.common.files import sha256_file, write_json
from edgeecho.preprocess import Prepared, PreprocessSpec, prepare
from edgeecho.tools.bench.threads import read_threads
from edgeecho.tools.bench.turns import take_turns
from edgeecho_export.checkpoint import CheckpointOptions, read_checkpoint
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.render import render
from edgeecho_train.phantom.writer import encode

SCHEMA = "edgeecho-peers-1"
SCENARIOS = ("single", "app", "study")
PACKAGES = ("torch", "onnxruntime", "openvino", "numpy")
FRAMES = 176
"""The median length of EchoNet-Dynamic's videos is near it; 114 clips."""
SEED = 11


def main() -> None:
    """Measure, and write after each scenario."""
    options = _options()
    manifest = read_manifest(options.bundle)
    checkpoint = sha256_file(options.checkpoint)
    if manifest.provenance["checkpoint_sha256"] != checkpoint:
        sys.exit(f"{options.bundle} was not made of {options.checkpoint}: give its checkpoint")
    environment = read_environment()
    threads = options.threads or environment.cores_usable or 1
    files = {p: open_model(options.bundle, precision=p) for p in manifest.artefacts}
    head = {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "model": {
            "name": manifest.name,
            "version": manifest.version,
            "width": manifest.architecture["width"],
            "parameters": manifest.architecture["parameters"],
            "sha256": {p: file.sha256 for p, file in files.items()},
            "shared_sha256": {p: file.shared.sha256 for p, file in files.items() if file.shared},
            "checkpoint_sha256": checkpoint,
        },
        "threads": threads,
        "cpu": environment.cpu,
        "cores": environment.cores_usable,
        "packages": {"edgeecho": environment.edgeecho} | {p: version(p) for p in PACKAGES},
    }
    document = {**head, "scenarios": _kept(options.out, head)}
    network = read_checkpoint(options.checkpoint, CheckpointOptions()).network
    setting = Setting(options.bundle, network, manifest.preprocess, threads, options.batch)
    prepared = _video(manifest.preprocess, options.frames)
    for scenario in options.scenario or SCENARIOS:
        print(f"{scenario} ...", flush=True)
        if scenario == "app":
            found = _app(files, all_clips(prepared, setting.spec)[:1], options, threads)
        else:
            found = _take(scenario, setting, files, prepared, options)
        facts = {"environment": asdict(read_environment()), "process": asdict(read_threads())}
        document["scenarios"][scenario] = {**found, **facts}
        write_json(options.out, document)
        print(f"wrote {options.out}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="what the bundle is made of")
    parser.add_argument(
        "--out", type=Path, required=True, help="JSON; goes on with one that is there"
    )
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="default: all")
    parser.add_argument(
        "--only",
        action="append",
        metavar="TEXT",
        help="peers whose name holds TEXT, and PyTorch eager; may be repeated",
    )
    parser.add_argument("--rounds", type=int, default=30, help="of a single clip")
    parser.add_argument("--study-rounds", type=int, default=3)
    parser.add_argument("--blocks", type=int, default=30, help="of benchmark_app")
    parser.add_argument("--block-length", type=int, default=10, help="clips of a block")
    parser.add_argument("--batch", type=int, default=20, help="clips of a peer's call in a study")
    parser.add_argument("--threads", type=int, default=0, help="0: the usable cores")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of the study's video")
    return parser.parse_args()  # fmt: skip


def _video(spec: PreprocessSpec, frames: int) -> Prepared:
    """A phantom, written, read and prepared; at the rate of training, so no frame is added."""
    phantom = draw_phantom(PhantomRecipe(seed=SEED, frames=frames), 0)[0]
    found = spec.time.removeprefix("resample(").removesuffix(")")
    fps = 50.0 if spec.time == "native" else float(found)
    clip = render(replace(phantom, fps=fps, frames=frames), np.random.default_rng(SEED))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "phantom.avi"
        encode(path, clip.frames, fps)
        prepared = prepare(read_cine(path), spec)
    if len(prepared.frames) != frames:
        sys.exit(f"the video has {len(prepared.frames)} frames after preparation, not {frames}")
    return prepared


def _kept(out: Path, head: Mapping[str, Any]) -> dict[str, Any]:
    """Scenarios that were measured before of the same network, on the same machine."""
    if not out.is_file():
        return {}
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    scenarios: dict[str, Any] = found.pop("scenarios")
    if found != head:
        sys.exit(f"{out} was measured of another network, machine or software: name another file")
    return scenarios


def _take(
    scenario: str,
    setting: Setting,
    files: Mapping[str, ModelFile],
    prepared: Prepared,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """`single` or `study`: load, warm up, take turns."""
    clips = all_clips(prepared, setting.spec)
    peers: dict[str, Peer] = {}
    not_run: dict[str, str] = {}
    ready_ms: dict[str, float] = {}
    for name, make in make_peers(setting, dict(files)):
        if scenario == "single" and name.startswith("edgeecho, sharing"):
            continue  # one clip has nobody to share with
        if name != EAGER and not any(text in name for text in options.only or [""]):
            continue
        begin = time.perf_counter()
        try:
            peer = make()
            _warm(scenario, peer, clips, prepared)
        except Exception as error:  # noqa: BLE001 - a peer that cannot run here is a result
            not_run[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            print(f"  {name} does not run: {not_run[name]}", flush=True)
            continue
        peers[peer.label] = peer
        ready_ms[peer.label] = (time.perf_counter() - begin) * 1e3
        print(f"  {peer.label} is ready after {ready_ms[peer.label] / 1e3:.1f} s", flush=True)
    single = scenario == "single"
    rounds = options.rounds if single else options.study_rounds
    tasks: dict[str, Callable[[], tuple[float, StudyAnswer]]] = {
        label: _task(peer, clips[:1] if single else None, prepared) for label, peer in peers.items()
    }
    turns = take_turns(tasks, rounds=rounds, warmup=1 if single else 0)
    exact = next(iter(turns.values()))[-1][1].efs
    return {
        "frames": len(prepared.frames),
        "clips": 1 if single else len(clips),
        "batch": 1 if single else setting.batch,
        "peers": [
            {
                "name": peers[label].name,
                "precision": peers[label].precision,
                "ready_ms": ready_ms[label],
                "largest_difference": float(np.abs(results[-1][1].efs - exact).max()),
                "total_ms": [total for total, _ in results],
                "engine_ms": [answer.engine_ms for _, answer in results],
            }
            for label, results in turns.items()
        ],
        "not_run": not_run,
    }


def _warm(scenario: str, peer: Peer, clips: Clips, prepared: Prepared) -> None:
    """Compilation and first calls of every size that comes; a whole study would take minutes."""
    peer.single(clips[:1])
    if scenario == "single":
        return
    if "sharing" in peer.name:
        peer.study(prepared)
        return
    for size in peer.shapes:
        for count in {min(size, len(clips)), len(clips) % size} - {0}:
            peer.single(clips[:count])


def _task(
    peer: Peer, clip: Clips | None, prepared: Prepared
) -> Callable[[], tuple[float, StudyAnswer]]:
    """`clip` None: a study."""

    def run() -> tuple[float, StudyAnswer]:
        begin = time.perf_counter()
        if clip is None:
            answer = peer.study(prepared)
            return (time.perf_counter() - begin) * 1e3, answer
        efs = peer.single(clip)
        total = (time.perf_counter() - begin) * 1e3
        return total, StudyAnswer(efs, total)

    return run


def _app(
    files: Mapping[str, ModelFile], clip: Clips, options: argparse.Namespace, threads: int
) -> dict[str, Any]:
    return {
        "precisions": {
            precision: measure_blocks(
                file, clip, blocks=options.blocks, length=options.block_length, threads=threads
            )
            for precision, file in files.items()
        }
    }


if __name__ == "__main__":
    main()
