"""Running a benchmark: from a `Request` to a `BenchRun`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeecho.bundle import default_model, read_manifest
from edgeecho.common.environment import read_environment
from edgeecho.engines import find_engine
from edgeecho.inference import LoadedModel
from edgeecho.tools.bench.cold import ColdStart, ColdStartRequest, measure_cold_starts
from edgeecho.tools.bench.device.calls import DeviceCalls, measure_calls
from edgeecho.tools.bench.device.watch import Watch
from edgeecho.tools.bench.memory import peak_rss_mb
from edgeecho.tools.bench.run import BenchRun, Series
from edgeecho.tools.bench.scenarios import SubjectSamples, measure_files, measure_stream
from edgeecho.tools.bench.subject import Subject, load_subjects
from edgeecho.tools.bench.threads import read_threads


@dataclass(frozen=True)
class Request:
    """What to measure."""

    scenario: str
    videos: tuple[Path, ...]
    """In `offline`, one sample answers all of them. The other scenarios take a single video."""
    model: Path | None
    subjects: tuple[Subject, ...]
    clips: str
    every_ms: float | None
    rounds: int
    warmup: int
    cold_starts: int
    threads: int


def measure(request: Request, say: Callable[[str], None]) -> BenchRun:
    """Load the subjects, run them in turns, then measure cold starts.

    Errors are those of `load_model`, `estimate_file` and `measure_cold_starts`.
    """
    environment = read_environment()
    subjects = load_subjects(
        request.model, request.subjects, request.threads, alone_too=request.scenario == "study"
    )
    models = {label: model for label, (_, model) in subjects.items()}
    say(f"{request.warmup} + {request.rounds} warm runs of {', '.join(models)} ...")
    with Watch() if any(map(_on_gpu, models.values())) else nullcontext() as watch:
        taken = _take(request, models)
        calls = {
            label: measure_calls(
                model,
                min(model.batch, taken[label].samples[0].clips),
                rounds=request.rounds,
                warmup=request.warmup,
            )
            for label, model in models.items()
        }
    # After all work in this process, and before the cold starts, which are other processes.
    memory, threads = peak_rss_mb(), read_threads()
    accuracy = _accuracy(request.model)
    series = []
    for label, (subject, model) in subjects.items():
        if request.cold_starts:
            say(f"{request.cold_starts} cold starts of {label} ...")
        cold = _start_cold(request, subject, model)
        series.append(_series(label, model, taken[label], cold, accuracy, calls[label]))
    many = len(request.videos) > 1
    return BenchRun(
        scenario=request.scenario,
        video=f"{len(request.videos)} files" if many else request.videos[0].name,
        frames=next(iter(taken.values())).samples[0].frames,
        videos=len(request.videos),
        clips=request.clips,
        every_ms=request.every_ms,
        warmup=request.warmup,
        environment=environment,
        threads=threads,
        peak_rss_mb=memory,
        series=tuple(series),
        watched=watch.found if watch else None,
    )


def _on_gpu(model: LoadedModel) -> bool:
    engine = find_engine(model.engine.facts.name)
    return engine is not None and engine.device == "nvidia"


def _take(request: Request, models: Mapping[str, LoadedModel]) -> dict[str, SubjectSamples]:
    if request.every_ms is not None:
        return measure_stream(
            request.videos[0],
            models,
            every_ms=request.every_ms,
            rounds=request.rounds,
            warmup=request.warmup,
        )
    return measure_files(
        request.videos, models, clips=request.clips, rounds=request.rounds, warmup=request.warmup
    )


def _start_cold(request: Request, subject: Subject, model: LoadedModel) -> tuple[ColdStart, ...]:
    job = ColdStartRequest(
        video=str(request.videos[0]),
        model=None if request.model is None else str(request.model),
        # The engine that ran, not `auto`, so that both parts of the report concern the same one.
        engine=model.engine.facts.name,
        precision=model.file.precision,
        clips=request.clips,
        threads=request.threads,
        batch=subject.batch,
        plain=subject.plain,
        beats=subject.beats,
    )
    return measure_cold_starts(job, request.cold_starts)


def _series(
    label: str,
    model: LoadedModel,
    taken: SubjectSamples,
    cold: tuple[ColdStart, ...],
    accuracy: Sequence[Mapping[str, Any]],
    device: DeviceCalls | None,
) -> Series:
    file, samples = model.file, taken.samples
    return Series(
        label=label,
        model={
            "name": file.name,
            "version": file.version,
            "precision": file.precision,
            "sha256": file.sha256,
            "preprocess_sha256": file.preprocess.sha256(),
        },
        engine=model.engine.facts,
        batch=model.batch,
        clips=samples[0].clips,
        clips_shared=samples[0].clips_shared,
        traced=samples[0].traced,
        samples_ms={n: tuple(s.stages_ms[n] for s in samples) for n in samples[0].stages_ms},
        cpu_ms=tuple(sample.cpu_ms for sample in samples),
        cold=cold,
        accuracy=tuple(a for a in accuracy if a["model_sha256"] == file.sha256),
        dropped=taken.dropped,
        device=device,
    )


def _accuracy(path: Path | None) -> list[dict[str, Any]]:
    """The evaluations in the bundle's manifest; empty for a lone ONNX file."""
    folder = default_model() if path is None else path
    if not folder.is_dir():
        return []
    keys = ("data", "split", "clips", "n", "mae", "mae_interval", "model_sha256")
    return [{key: entry.get(key) for key in keys} for entry in read_manifest(folder).evaluation]
