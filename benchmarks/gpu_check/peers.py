"""The same network in PyTorch and in edgeecho's engines, taking turns: one clip, and a batch.

    python peers.py BUNDLE CHECKPOINT OUT --engines onnxruntime-cuda,tensorrt

Every run goes from a clip in memory to its EF in memory, so each row pays for its copies. OUT is
written before torch.compile begins, which may take longer than the step has.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edgeecho.bundle import open_model, read_manifest
from edgeecho.common.files import write_json
from edgeecho.common.text import reason
from edgeecho.engines import load_engine
from edgeecho.tools.bench.turns import take_turns
from edgeecho_export.checkpoint import CheckpointOptions, read_checkpoint

Clips = NDArray[np.float32]
Run = Callable[[Clips], Clips]
EAGER = "PyTorch eager, f32"
CUDA = torch.cuda.is_available()
DEVICE = "cuda" if CUDA else "cpu"
LAST = torch.channels_last_3d


def main() -> None:
    """Two rounds of the same: without torch.compile, then with it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--engines", default="")
    parser.add_argument("--few", action="store_true")
    options = parser.parse_args()
    spec = read_manifest(options.bundle).preprocess
    batch, rounds = (2, 2) if options.few else (20, 20)
    shape = (batch, 3, spec.frames, spec.size, spec.size)
    clips = np.random.default_rng(0).standard_normal(shape, np.float32)
    network = read_checkpoint(options.checkpoint, CheckpointOptions()).network.eval().to(DEVICE)
    makers = dict(_torch_rows(network)) | dict(_engine_rows(options.bundle, options.engines))
    found: dict[str, Any] = {"batch": batch, "rounds": rounds, "rows": {}, "not_there": {}}
    if not CUDA:
        found["not_there"] = dict.fromkeys(_CUDA_ONLY, "it needs CUDA in PyTorch")
    _measure(makers, clips, found)
    write_json(options.out, found)
    if options.few:
        found["not_there"]["torch.compile"] = "left out by --few"
    else:
        compiled = {EAGER: makers[EAGER], **dict(_compiled(network))}
        later = {**found, "rows": {}}
        _measure(compiled, clips, later)
        found["with torch.compile"] = later["rows"]
    write_json(options.out, found)


_CUDA_ONLY = ("PyTorch, TF32", "PyTorch, autocast f16", "PyTorch, half, channels_last_3d",
              "PyTorch, half, CUDA graph")  # fmt: skip


def _torch_rows(network: Any) -> Iterator[tuple[str, Callable[[], Run]]]:
    yield EAGER, lambda: _eager(network)
    if not CUDA:
        yield (
            "PyTorch, channels_last_3d",
            lambda: _eager(copy.deepcopy(network).to(memory_format=LAST), layout=LAST),
        )
        return
    tf32, autocast, half, graph = _CUDA_ONLY
    yield tf32, lambda: _eager(network, tf32=True)
    yield autocast, lambda: _eager(network, tf32=True, context=lambda: torch.autocast("cuda"))
    yield half, lambda: _eager(_half(network), torch.half, LAST, tf32=True)
    yield graph, lambda: _graph(_half(network))


def _compiled(network: Any) -> Iterator[tuple[str, Callable[[], Run]]]:
    # A size of its own each: else the second size would be compiled for any, which is slower.
    compiled = torch.compile(_half(network) if CUDA else copy.deepcopy(network), dynamic=False)
    kind = torch.half if CUDA else torch.float
    name = "torch.compile, half, channels_last_3d" if CUDA else "torch.compile, f32"
    yield name, lambda: _eager(compiled, kind, LAST if CUDA else torch.contiguous_format, tf32=CUDA)


def _half(network: Any) -> Any:
    return copy.deepcopy(network).half().to(memory_format=LAST)


def _eager(
    network: Any,
    kind: torch.dtype = torch.float,
    layout: torch.memory_format = torch.contiguous_format,
    *,
    tf32: bool = False,
    context: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Run:
    def run(clips: Clips) -> Clips:
        _arithmetic(tf32=tf32)
        with torch.inference_mode(), context():
            given = torch.from_numpy(clips).to(DEVICE, kind, memory_format=layout)
            return np.asarray(network(given).float().cpu().numpy(), np.float32)

    return run


def _arithmetic(*, tf32: bool) -> None:
    """For the whole process, so each run sets it again."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = tf32


def _graph(network: Any) -> Run:
    graphs: dict[int, tuple[Any, torch.Tensor, torch.Tensor]] = {}

    def record(given: torch.Tensor) -> tuple[Any, torch.Tensor, torch.Tensor]:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):  # cuDNN chooses and allocates before anything is recorded
                network(given)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            answer = network(given)
        return graph, given, answer

    def run(clips: Clips) -> Clips:
        _arithmetic(tf32=True)
        with torch.inference_mode():
            if len(clips) not in graphs:
                fresh = torch.from_numpy(clips).to(DEVICE, torch.half, memory_format=LAST)
                graphs[len(clips)] = record(fresh)
            graph, given, answer = graphs[len(clips)]
            given.copy_(torch.from_numpy(clips))
            graph.replay()
            return np.asarray(answer.float().cpu().numpy(), np.float32)

    return run


def _engine_rows(bundle: Path, engines: str) -> Iterator[tuple[str, Callable[[], Run]]]:
    for name in filter(None, engines.split(",")):
        for precision in read_manifest(bundle).artefacts:
            yield f"edgeecho, {name} {precision}", lambda n=name, p=precision: _engine(bundle, n, p)


def _engine(bundle: Path, name: str, precision: str) -> Run:
    engine = load_engine(name, open_model(bundle, precision=precision))
    return lambda clips: engine.run(clips).ef


def _measure(makers: dict[str, Callable[[], Run]], clips: Clips, found: dict[str, Any]) -> None:
    runs: dict[str, Run] = {}
    for name, make in makers.items():
        try:
            runs[name] = make()
            for size in (1, len(clips)):
                runs[name](clips[:size])
        except Exception as error:  # noqa: BLE001 - a peer that cannot run here is a result
            runs.pop(name, None)
            found["not_there"][name] = f"{type(error).__name__}: {reason(error)}"
    exact = runs[EAGER](clips)
    for size, rounds in ((1, found["rounds"]), (len(clips), max(found["rounds"] // 4, 1))):
        tasks = {name: _timed(run, clips[:size]) for name, run in runs.items()}
        for name, turns in take_turns(tasks, rounds=rounds, warmup=1).items():
            row = found["rows"].setdefault(name, {})
            row[f"batch_{size}_ms"] = [ms for ms, _ in turns]
            row["largest_difference"] = float(np.abs(turns[-1][1] - exact[:size]).max())


def _timed(run: Run, clips: Clips) -> Callable[[], tuple[float, Clips]]:
    def task() -> tuple[float, Clips]:
        begin = time.perf_counter()
        efs = run(clips)
        return (time.perf_counter() - begin) * 1e3, efs

    return task


if __name__ == "__main__":
    main()
