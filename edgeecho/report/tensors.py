"""An answer as tensors, for the Open Inference Protocol and for Triton."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TENSORS: Mapping[str, str] = {
    "status": "BYTES",
    "ef": "FP64",
    "interval": "FP64",
    "refusals": "BYTES",
    "reasons": "BYTES",
    "warnings": "BYTES",
    "result": "BYTES",
}
"""Names and datatypes; each has one axis of any size."""


def tensors(document: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Of a document of `infer --json` with one result that is no error."""
    import numpy as np

    (result,) = document["results"]
    interval = result.get("interval")
    return {
        "status": texts([result["status"]]),
        # Empty, not NaN, if it was refused: a program that does not know refusals stops.
        "ef": np.array([result["ef"]] if "ef" in result else []),
        "interval": np.array([interval["low"], interval["high"]] if interval else []),
        "refusals": texts([refusal["gate"] for refusal in result["refusals"]]),
        "reasons": texts([refusal["reason"] for refusal in result["refusals"]]),
        "warnings": texts(list(result["warnings"])),
        "result": texts([json.dumps(document, ensure_ascii=False)]),
    }


def texts(values: list[str]) -> NDArray[np.object_]:
    """A tensor of the type BYTES, UTF-8."""
    import numpy as np

    return np.array([value.encode() for value in values], object)
