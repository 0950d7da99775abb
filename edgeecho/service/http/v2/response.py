"""An inference response: JSON, with tensors in it or as binary data behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Response
from numpy.typing import NDArray

from edgeecho.service.http.v2.request import HEADER, Asked

_DATATYPES = {"f4": "FP32", "f8": "FP64", "O": "BYTES"}


def respond(about: Mapping[str, Any], asked: Asked, found: Mapping[str, NDArray[Any]]) -> Response:
    """`about`: members of the response beside `id` and `outputs`."""
    told, behind = [], []
    for name, binary in asked.binary.items():
        values = found[name]
        kind = values.dtype.str.lstrip("<|=>")
        tensor: dict[str, Any] = {
            "name": name,
            "datatype": _DATATYPES[kind],
            "shape": list(values.shape),
        }
        if binary:
            content = _bytes(values)
            behind.append(content)
            tensor["parameters"] = {"binary_data_size": len(content)}
        else:
            tensor["data"] = [_plain(value) for value in values.ravel().tolist()]
        told.append(tensor)
    named = {} if asked.id is None else {"id": asked.id}
    document = {**about, **named, "outputs": told}
    text = json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    if not behind:
        return Response(text, media_type="application/json")
    headers = {HEADER: str(len(text))}
    body = b"".join([text, *behind])
    return Response(body, headers=headers, media_type="application/octet-stream")


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(values: NDArray[Any]) -> bytes:
    """Little-endian, in C order; each text behind its length as four bytes."""
    if values.dtype != object:
        return values.astype(values.dtype.newbyteorder("<")).tobytes()
    return b"".join(len(text).to_bytes(4, "little") + text for text in values.ravel())
