"""An inference request in a file: its JSON, and behind it the bytes of its one tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, NonNegativeInt, ValidationError
from starlette.exceptions import HTTPException

HEADER = "Inference-Header-Content-Length"
"""Number of bytes of the JSON, if binary tensors follow it."""
_MOST_JSON = 32_000_000
"""A clip of 32 frames has up to 25 MB as JSON; parsing it stops the service for half a second."""
# Extensions of Triton that change what is asked for, so that leaving them out would be wrong.
_UNKNOWN = ("sequence_id", "classification", "shared_memory_region")


class TensorView(BaseModel):
    """A tensor as a model's metadata tell it; -1 in `shape`: any number."""

    name: str
    datatype: str
    shape: list[int]


class OutputIn(BaseModel):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] = {}


class InputIn(BaseModel):
    """A tensor, whose values are in `data` or behind the JSON."""

    name: str
    shape: list[NonNegativeInt]
    datatype: str
    parameters: dict[str, Any] = {}
    data: list[Any] | None = None


class InferIn(BaseModel):
    """The request, without what it has of other extensions."""

    id: str | None = None
    parameters: dict[str, Any] = {}
    inputs: list[InputIn]
    outputs: list[OutputIn] | None = None


@dataclass(frozen=True)
class Asked:
    """A request that fits its model."""

    id: str | None
    tensor: InputIn
    offset: int
    """First byte of the tensor in the file, if it is there."""
    size: int | None
    """Its bytes; None: its values are in `tensor.data`."""
    binary: Mapping[str, bool]
    """The outputs that are asked for, and whether as binary data."""


def read_request(
    file: Path, headers: Mapping[str, str], wanted: TensorView, outputs: Sequence[str]
) -> Asked:
    """Read a request for a model that has the input `wanted`; `HTTPException` 400 if it does not
    fit."""
    whole = file.stat().st_size
    length = headers.get(HEADER, str(whole))
    if not (length.isascii() and length.isdigit() and int(length) <= whole):
        raise bad(f"{HEADER} is not the number of bytes of the JSON, which the body begins with")
    if int(length) > _MOST_JSON:
        raise bad(f"the JSON has more than {_MOST_JSON / 1e6:g} MB: send tensors as binary data")
    with file.open("rb") as stream:
        text = stream.read(int(length))
    try:
        asked = InferIn.model_validate_json(text)
    except ValidationError as error:
        raise bad(f"no inference request: {_words(error)}") from error
    tensor = _only(asked.inputs, wanted)
    parts = [asked.parameters, tensor.parameters, *(o.parameters for o in asked.outputs or [])]
    for parameters in parts:
        if unknown := [name for name in _UNKNOWN if name in parameters]:
            raise bad(f"{unknown[0]} is an extension that is not known here: leave it out")
    size = tensor.parameters.get("binary_data_size")
    if size is None and tensor.data is None:
        raise bad(f"{wanted.name} has neither data nor binary_data_size")
    if size is not None and (type(size) is not int or size != whole - int(length)):
        raise bad(f"binary_data_size of {wanted.name} is not what follows the JSON")
    return Asked(asked.id, tensor, int(length), size, _binary(asked, outputs))


def write_values(asked: Asked, file: Path) -> None:
    """Write a tensor's `data`, numbers in lists of any depth, as float32; `HTTPException` 400."""
    try:
        values = np.asarray(asked.tensor.data)
        if values.dtype.kind not in "fiu" or values.size != math.prod(asked.tensor.shape):
            raise ValueError
        with np.errstate(over="ignore"):  # infinity is refused as such
            values.astype("<f4").tofile(file)
    except (ValueError, TypeError, OverflowError) as error:
        raise bad(f"data of {asked.tensor.name} are not as many numbers as its shape says") from (
            error
        )


def bad(words: str) -> HTTPException:
    """The error of a request that cannot be answered."""
    return HTTPException(400, words)


def _only(inputs: Sequence[InputIn], wanted: TensorView) -> InputIn:
    """The one input, of the right type and shape."""
    if [tensor.name for tensor in inputs] != [wanted.name]:
        raise bad(f"this model has one input, {wanted.name}: send that")
    (tensor,) = inputs
    fits = len(tensor.shape) == len(wanted.shape) and all(
        given == size or (size == -1 and given > 0)
        for given, size in zip(tensor.shape, wanted.shape, strict=True)
    )
    if tensor.datatype != wanted.datatype or not fits:
        shape = ", ".join("b" if size == -1 else str(size) for size in wanted.shape)
        raise bad(f"{wanted.name} must be {wanted.datatype} of the shape ({shape})")
    return tensor


def _binary(asked: InferIn, outputs: Sequence[str]) -> dict[str, bool]:
    every = asked.parameters.get("binary_data_output") is True
    if asked.outputs is None:
        return dict.fromkeys(outputs, every)
    if any(output.name not in outputs for output in asked.outputs):
        raise bad(f"the outputs of this model are {', '.join(outputs)}")
    return {o.name: o.parameters.get("binary_data", every) is True for o in asked.outputs}


def _words(error: ValidationError) -> str:
    """The first fault, without anything that was sent."""
    first = error.errors(include_input=False, include_url=False)[0]
    if first["type"] == "json_invalid":
        return "it does not begin with valid JSON"
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
