"""What is served under the protocol: whole files, and clips for the network alone."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.errors import EdgeEchoError, InputError, OutputError
from edgeecho.preprocess import PreprocessSpec
from edgeecho.report.tensors import TENSORS, tensors
from edgeecho.service.http.service import Service
from edgeecho.service.http.upload import taken
from edgeecho.service.http.v2.request import Asked, TensorView, bad, read_request, write_values
from edgeecho.service.http.v2.response import respond
from edgeecho.service.http.v2.waiting import until_done
from edgeecho.service.jobs import ClipFile, Job


class Model(Protocol):
    """One of the models."""

    name: str
    outputs: list[TensorView]

    @property
    def given(self) -> TensorView:
        """Its input."""
        ...

    async def infer(self, request: Request, service: Service) -> Response:
        """Read the body and answer it; `HTTPException` if that is impossible."""
        ...


def models(service: Service) -> dict[str, Model]:
    """By name."""
    served: tuple[Model, ...] = (Files(), Clips(service.task.model.preprocess))
    return {model.name: model for model in served}


def _tensors(**types: tuple[str, int]) -> list[TensorView]:
    """By name: datatype and number of axes, all of any size."""
    return [
        TensorView(name=name, datatype=datatype, shape=[-1] * axes)
        for name, (datatype, axes) in types.items()
    ]


class Files:
    """A video or DICOM file is a job like any other: in the queue, with the gates of `infer`."""

    name = "edgeecho"
    given = TensorView(name="file", datatype="BYTES", shape=[1])
    outputs = _tensors(**{name: (datatype, 1) for name, datatype in TENSORS.items()})

    async def infer(self, request: Request, service: Service) -> Response:
        async with taken(request, service) as part:
            asked = await _read(self, part, request)
            job = await _accept(service, part, asked)
        try:
            ended = await until_done(service.when_ended(job.id), request, service)
        except BaseException:
            await asyncio.shield(run_in_threadpool(_cancel, service, job.id))
            raise
        if ended.status == "cancelled":
            raise HTTPException(409, "it was cancelled")
        if ended.document is None:
            status = 400 if ended.exit_code == InputError.exit_code else 500
            raise HTTPException(status, ended.error or "it has no answer")
        found = tensors(ended.document)
        return respond(_about(self, service, job=job.id), asked, found)


class Clips:
    """Normalised clips for the network alone: no gate sees them, and no interval is known."""

    name = "edgeecho-clips"
    outputs = _tensors(ef=("FP32", 1), embedding=("FP32", 2))

    def __init__(self, spec: PreprocessSpec) -> None:
        shape = [-1, 3, spec.frames, spec.size, spec.size]
        self.given = TensorView(name="clip", datatype="FP32", shape=shape)

    async def infer(self, request: Request, service: Service) -> Response:
        async with taken(request, service) as part:
            asked = await _read(self, part, request)
            offset = asked.offset
            if asked.size is None:
                await run_in_threadpool(write_values, asked, part)
                offset = 0
            elif asked.size != 4 * np.prod(asked.tensor.shape, dtype=object):
                raise bad("the bytes of clip are not those of its shape")
            clips = ClipFile(part, offset, tuple(asked.tensor.shape))
            try:
                found = await until_done(service.runner.clips.add(clips), request, service)
            except EdgeEchoError as error:
                status = 400 if isinstance(error, InputError) else 500
                raise HTTPException(status, str(error)) from error
        values = {"ef": found.ef, "embedding": found.embedding}
        return respond(_about(self, service, gates=False), asked, values)


async def _read(model: Model, part: Path, request: Request) -> Asked:
    names = [output.name for output in model.outputs]
    return await run_in_threadpool(read_request, part, request.headers, model.given, names)


async def _accept(service: Service, part: Path, asked: Asked) -> Job:
    """The job of a request's file."""
    if asked.size is None:
        raise bad("a file is no text: send it as binary data (binary_data_size)")
    file = service.store.queue.new_file()
    try:
        await run_in_threadpool(service.store.queue.room.check_disk, asked.size)
        await run_in_threadpool(_copy, part, asked, file)
        return await run_in_threadpool(service.accept, file, None)
    finally:
        file.unlink(missing_ok=True)


def _copy(part: Path, asked: Asked, file: Path) -> None:
    """The one element of the tensor; `HTTPException` 400 if it is none."""
    with part.open("rb") as source, file.open("wb") as target:
        file.chmod(0o600)
        source.seek(asked.offset)
        length = int.from_bytes(source.read(4), "little")
        if not 0 < length == (asked.size or 0) - 4:
            raise bad("file is not one element: its length in four bytes, then its bytes")
        shutil.copyfileobj(source, target, 1 << 20)


def _cancel(service: Service, job_id: str) -> None:
    with suppress(OutputError):  # then it is answered for nobody
        service.runner.cancel(job_id)


def _about(model: Model, service: Service, **more: Any) -> dict[str, Any]:
    return {
        "model_name": model.name,
        "model_version": service.task.model.version,
        "parameters": {"research_use": RESEARCH_USE, **more},
    }
