"""`config.pbtxt` of the models, in the text form of Triton's `ModelConfig`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeecho.common.about import RESEARCH_USE
from edgeecho.engines.base import INPUT
from edgeecho.preprocess import PreprocessSpec
from edgeecho.report.tensors import TENSORS

ANSWERS, CLIPS, SHARED, MASKS = "edgeecho", "edgeecho-clips", "edgeecho-shared", "edgeecho-masks"
"""Names of the models: whole files; clips; overlapping clips of one video; frames."""
BACKENDS: Mapping[str, str] = {"onnxruntime": ".onnx", "tensorrt": ".plan", "python": ".py"}
"""What runs the networks, and its files' suffix."""
MOST = 16
"""Clips of a call."""
_DELAY_US = 2000
_TYPES = {"BYTES": "TYPE_STRING", "FP64": "TYPE_FP64"}


@dataclass(frozen=True)
class Tensor:
    """One input or output."""

    name: str
    kind: str
    dims: tuple[int, ...]
    scalar: bool = False
    """A number for each of the batch: the network's has the batch as its only axis."""

    def text(self) -> str:
        """As it is written there."""
        reshape = " reshape { shape: [ ] }" if self.scalar else ""
        dims = ", ".join(map(str, self.dims))
        return f'  {{ name: "{self.name}" data_type: {self.kind} dims: [ {dims} ]{reshape} }}'


def answers(backend: str, instances: int) -> str:
    """Of the model that takes files."""
    outputs = [Tensor(name, _TYPES[datatype], (-1,)) for name, datatype in TENSORS.items()]
    return _config(
        ANSWERS,
        "python",
        [Tensor("file", "TYPE_STRING", (1,))],
        outputs,
        f"instance_group [ {{ count: {instances} kind: KIND_CPU }} ]",
        _parameter("networks", backend),
    )


def clips(spec: PreprocessSpec, backend: str, file: str) -> str:
    """Of the network that takes clips: requests that come together are run together."""
    shape = (3, spec.frames, spec.size, spec.size)
    outputs = [
        Tensor("ef", "TYPE_FP32", (1,), scalar=backend != "python"),
        Tensor("embedding", "TYPE_FP32", (-1,)),
    ]
    given = Tensor(INPUT["ef"], "TYPE_FP32", shape)
    return _network(CLIPS, backend, file, given, outputs)


def masks(spec: PreprocessSpec, backend: str, file: str) -> str:
    """Of the segmentation."""
    given = Tensor(INPUT["segmentation"], "TYPE_FP32", (3, spec.size, spec.size))
    outputs = [Tensor("logits", "TYPE_FP32", (spec.size, spec.size))]
    return _network(MASKS, backend, file, given, outputs)


def shared(spec: PreprocessSpec, backend: str, file: str) -> str:
    """Of the graph that answers overlapping clips of one video; a video is a call."""
    given = [
        Tensor("frames", "TYPE_FP32", (1, 3, -1, spec.size, spec.size)),
        Tensor("starts", "TYPE_INT64", (-1,)),
    ]
    outputs = [Tensor("ef", "TYPE_FP32", (-1,)), Tensor("embedding", "TYPE_FP32", (-1, -1))]
    return _config(SHARED, backend, given, outputs, _file(backend, file))


def _network(name: str, backend: str, file: str, given: Tensor, outputs: Sequence[Tensor]) -> str:
    """A batch is gathered for 2 ms; the largest and a single one are run before the first request.

    Ensembles take no warm-up (Triton's issues 6326 and 6877), and need none: the parts have it.
    """
    warm = "\n".join(
        f'  {{ name: "{size}" batch_size: {size} inputs {{ key: "{given.name}" value {{ '
        f"data_type: {given.kind} dims: [ {', '.join(map(str, given.dims))} ] zero_data: true }} "
        "} }" + ("," if size == 1 else "")
        for size in (1, MOST)
    )
    return _config(
        name,
        backend,
        [given],
        outputs,
        _file(backend, file),
        f"dynamic_batching {{ max_queue_delay_microseconds: {_DELAY_US} }}",
        f"model_warmup [\n{warm}\n]",
        most=MOST,
    )


def _file(backend: str, file: str) -> str:
    return "" if backend == "python" else f'default_model_filename: "{file}"'


def _parameter(key: str, value: str) -> str:
    return f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}'


def _config(
    name: str,
    backend: str,
    given: Sequence[Tensor],
    outputs: Sequence[Tensor],
    *more: str,
    most: int = 0,
) -> str:
    parts = [
        f'name: "{name}"',
        f'backend: "{backend}"',
        f"max_batch_size: {most}",
        "input [\n" + ",\n".join(tensor.text() for tensor in given) + "\n]",
        "output [\n" + ",\n".join(tensor.text() for tensor in outputs) + "\n]",
        *more,
        _parameter("research_use", RESEARCH_USE),
    ]
    return "\n".join(part for part in parts if part) + "\n"
