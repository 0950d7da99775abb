"""The model `edgeecho` in Triton's Python backend: everything around the networks.

The networks are asked of the server, which gathers clips of several videos into batches and may run
them on GPUs. A video has as many clips as it is long, hence calls from here (business logic
scripting) and not an ensemble; all else is the code of `edgeecho infer`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile, open_model
from edgeecho.common.errors import EdgeEchoError, EngineError, InputError
from edgeecho.engines import EngineFacts, Outputs
from edgeecho.engines.base import Arrays, outputs_of
from edgeecho.inference import LoadedModel, Sharing, estimate_ready, read_ready
from edgeecho.report.structured import to_document
from edgeecho.report.tensors import tensors
from edgeecho.results import Answer, Outcome
from edgeecho.tools.triton.config import CLIPS, MASKS, MOST, SHARED
from edgeecho.trust import load_trust

BUNDLE = "bundle"
"""Folder of the bundle, in the folder of the version."""


class Asked:
    """A network of this server; see `Engine` and `GraphEngine`."""

    def __init__(self, name: str, outputs: Sequence[str], facts: EngineFacts) -> None:
        self.facts, self._name, self._outputs = facts, name, list(outputs)

    def run(self, clips: NDArray[np.float32]) -> Outputs:
        """See `Engine.run`."""
        found = self.infer({"clip": clips})
        return Outputs(found["ef"].reshape(-1), found["embedding"])

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """See `GraphEngine.infer`."""
        import triton_python_backend_utils as pb

        given = [pb.Tensor(name, np.ascontiguousarray(array)) for name, array in inputs.items()]
        request = pb.InferenceRequest(
            model_name=self._name,
            requested_output_names=self._outputs,
            inputs=given,
            preferred_memory=pb.PreferredMemory(pb.TRITONSERVER_MEMORY_CPU, 0),
        )
        response = request.exec()
        if response.has_error():
            raise EngineError(f"{self._name}: {response.error().message()}")
        return {
            name: pb.get_output_tensor_by_name(response, name).as_numpy() for name in self._outputs
        }


@dataclass(frozen=True)
class ServedModel(LoadedModel):
    """A model whose networks are this server's."""

    @cached_property
    def sharing(self) -> Sharing | None:
        """As the bundle has it."""
        if self.file.shared is None:
            return None
        graph = Asked(SHARED, ("ef", "embedding"), self.engine.facts)
        return Sharing(self.file.shared.cost, lambda: graph)


def served(file: ModelFile, backend: str) -> ServedModel:
    """The model of a bundle in a repository."""
    facts = EngineFacts("triton", backend, "tritonserver", file.precision, 0)
    outputs = outputs_of(file.path.name, ("ef", "embedding"), "ef")
    masks = Asked(MASKS, ("logits",), facts) if file.segmentation else None
    engine = Asked(CLIPS, outputs, facts)
    return ServedModel(file, engine, load_trust(file), batch=MOST, masks=masks)


class TritonPythonModel:
    """What the backend makes and calls."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Open the bundle."""
        import json

        folder = Path(args["model_repository"])
        file = open_model(folder / args["model_version"] / BUNDLE)
        if not (folder.parent / SHARED).is_dir():
            file = replace(file, shared=None)
        backend = json.loads(args["model_config"])["parameters"]["networks"]["string_value"]
        self._model = served(file, backend)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """A response for each request."""
        return [self._respond(request) for request in requests]

    def _respond(self, request: Any) -> Any:
        import triton_python_backend_utils as pb

        content = pb.get_input_tensor_by_name(request, "file").as_numpy().reshape(-1)[0]
        try:
            found = answer(bytes(content), self._model)
        except EdgeEchoError as error:
            code = pb.TritonError.INVALID_ARG if isinstance(error, InputError) else None
            kind = () if code is None else (code,)
            return pb.InferenceResponse(error=pb.TritonError(str(error), *kind))
        return pb.InferenceResponse([pb.Tensor(name, array) for name, array in found.items()])


def answer(content: bytes, model: LoadedModel) -> dict[str, NDArray[Any]]:
    """A file's answer as tensors; `EdgeEchoError` if it has none."""
    with tempfile.TemporaryDirectory(prefix="edgeecho-") as folder:
        file = Path(folder) / "file"
        file.write_bytes(content)
        ready = read_ready(file, model.file.preprocess)
    estimate = estimate_ready(ready, model)
    return tensors(to_document([Outcome("file", Answer.of(estimate, show_refused=False))]))
