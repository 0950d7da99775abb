"""The networks to compare: the same one in PyTorch, ONNX Runtime and edgeecho."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile
from edgeecho.inference import LoadedModel, load_model, run_clips
from edgeecho.preprocess import (
    ClipMode,
    Prepared,
    PreprocessSpec,
    clip_starts,
    gather_clips,
    normalise,
    pad_short,
)

Clips = NDArray[np.float32]
EAGER = "PyTorch eager"
"""As EchoNet-Dynamic's code runs the network; whom all are compared with."""


@dataclass(frozen=True)
class StudyAnswer:
    """All clips of a prepared video."""

    efs: Clips
    engine_ms: float
    """Of the whole, what was spent in the network."""


@dataclass(frozen=True)
class Peer:
    """One way to run the network."""

    name: str
    precision: str
    single: Callable[[Clips], Clips]
    """One normalised clip `(1, 3, T, S, S)` -> its EF."""
    study: Callable[[Prepared], StudyAnswer]
    shapes: tuple[int, ...]
    """Batch sizes of a study: what is to be warmed up."""

    @property
    def label(self) -> str:
        return f"{self.name}, {self.precision}"


@dataclass(frozen=True)
class Setting:
    """What all of them are given."""

    bundle: Path
    network: torch.nn.Module
    spec: PreprocessSpec
    threads: int
    batch: int
    """Clips of a call in a study, as EchoNet-Dynamic's code has it; edgeecho chooses its own."""


def make_peers(setting: Setting, files: dict[str, ModelFile]) -> Iterator[tuple[str, Any]]:
    """Label and a function that makes the peer; it may raise, if it cannot run here."""
    torch.set_num_threads(setting.threads)
    yield EAGER, lambda: _torch(setting, EAGER, setting.network)
    last = torch.channels_last_3d
    yield (
        "PyTorch channels_last_3d",
        lambda: _torch(
            setting,
            "PyTorch channels_last_3d",
            copy.deepcopy(setting.network).to(memory_format=last),
            memory_format=last,
        ),
    )
    # A size of its own each: else the second size would be compiled for any, which is slower.
    yield (
        "torch.compile",
        lambda: _torch(
            setting,
            "torch.compile",
            torch.compile(copy.deepcopy(setting.network), dynamic=False),  # type: ignore[arg-type]
        ),
    )
    for precision, file in files.items():
        yield (
            f"ONNX Runtime {precision}",
            lambda p=precision, f=file: _onnxruntime(setting, p, f),
        )
    for precision, file in files.items():
        for shared in (False, True) if file.shared else (False,):
            words = "edgeecho, sharing" if shared else "edgeecho"
            yield (
                f"{words} {precision}",
                lambda p=precision, w=words, s=shared: _edgeecho(setting, w, p, shared=s),
            )


def _torch(
    setting: Setting, name: str, network: Any, memory_format: Any = torch.contiguous_format
) -> Peer:
    network.eval()

    def run(clips: Clips) -> Clips:
        with torch.no_grad():
            batch = torch.from_numpy(clips).to(memory_format=memory_format)
            parts = [
                network(batch[j : j + setting.batch]) for j in range(0, len(batch), setting.batch)
            ]
            return np.asarray(torch.cat(parts).numpy(), np.float32)

    return _of_batches(setting, name, "fp32", run)


def _onnxruntime(setting: Setting, precision: str, file: ModelFile) -> Peer:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = setting.threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file.path, options, providers=["CPUExecutionProvider"])

    def run(clips: Clips) -> Clips:
        size = setting.batch
        parts = [
            session.run(["ef"], {"clip": clips[j : j + size]})[0]
            for j in range(0, len(clips), size)
        ]
        return np.concatenate(parts)

    return _of_batches(setting, "ONNX Runtime", precision, run)


def _of_batches(setting: Setting, name: str, precision: str, run: Callable[[Clips], Clips]) -> Peer:
    """A study as EchoNet-Dynamic's code does it: all clips are cut first, then run in batches."""

    def study(prepared: Prepared) -> StudyAnswer:
        clips = all_clips(prepared, setting.spec)
        begin = time.perf_counter()
        efs = run(clips)
        return StudyAnswer(efs, (time.perf_counter() - begin) * 1e3)

    return Peer(name, precision, run, study, (setting.batch,))


def _edgeecho(setting: Setting, name: str, precision: str, *, shared: bool) -> Peer:
    model = load_model(
        setting.bundle, engine="openvino", precision=precision, threads=setting.threads
    )
    if not shared:
        model = replace(model, file=replace(model.file, shared=None))
    return Peer(
        name,
        precision,
        lambda clips: model.engine.run(clips).ef,
        lambda prepared: _answer(model, prepared, setting.spec),
        (model.batch,),
    )


def _answer(model: LoadedModel, prepared: Prepared, spec: PreprocessSpec) -> StudyAnswer:
    starts = clip_starts(len(prepared.frames), spec, ClipMode("all"))
    run = run_clips(prepared, spec, model.engine, starts, model.sharing, batch=model.batch)
    return StudyAnswer(run.outputs.ef, run.engine_ms)


def all_clips(prepared: Prepared, spec: PreprocessSpec) -> Clips:
    """Every clip of a video, cut out: `(n, 3, frames, S, S)`."""
    video = pad_short(normalise(prepared.frames, spec), spec)
    starts = clip_starts(len(prepared.frames), spec, ClipMode("all"))
    return gather_clips(video, starts, spec)
