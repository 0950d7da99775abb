"""What a lone ONNX file says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeecho.bundle.external import check_self_contained
from edgeecho.bundle.files import ModelFile
from edgeecho.bundle.manifest import METADATA_KEY
from edgeecho.bundle.metadata import read_metadata
from edgeecho.common.errors import ModelError
from edgeecho.common.files import parse_json, sha256_file
from edgeecho.preprocess import PreprocessSpec


def describe_onnx(path: Path) -> ModelFile:
    """Its facts, of either task; `ModelError` if `edgeecho export` did not write it."""
    check_self_contained(path)
    try:
        facts = parse_json(read_metadata(path, METADATA_KEY))
        return ModelFile(
            path=path,
            sha256=sha256_file(path),
            name=_text(facts["name"]),
            version=_text(facts["version"]),
            precision=_text(facts["precision"]),
            preprocess=PreprocessSpec.from_dict(facts["preprocess"]),
            trained_on="",
            assumed=_text(facts["assumed"]) if "assumed" in facts else None,
            task="segmentation" if facts.get("task") == "segmentation" else "ef",
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelError(
            f"{path} says nothing of its preprocessing: use a model written by `edgeecho export`"
        ) from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {value!r}")
    value.encode()  # half a character, which no report could hold, is a ValueError
    return value
