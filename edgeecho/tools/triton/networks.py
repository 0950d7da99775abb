"""The networks in Triton's Python backend, on an engine of edgeecho's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeecho.bundle import open_model
from edgeecho.engines import load_engine, load_segmentation, load_shared
from edgeecho.tools.triton.answering import BUNDLE
from edgeecho.tools.triton.config import ANSWERS, CLIPS, SHARED

_INPUTS = {CLIPS: ("clip",), SHARED: ("frames", "starts")}


class TritonPythonModel:
    """What the backend makes and calls, for one of the networks."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Load the network of this name from the bundle, which is beside it once."""
        folder = Path(args["model_repository"])
        self._name = args["model_name"]
        file = open_model(folder.parent / ANSWERS / args["model_version"] / BUNDLE)
        engine: Any = load_engine("auto", file, threads=0, cached=True)
        if self._name == SHARED:
            engine = load_shared(engine.facts.name, file, threads=0, cached=True)
        elif self._name != CLIPS:
            engine = load_segmentation(engine.facts.name, file, cached=True)
        self._engine = engine

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """One call for all requests, except for videos, each of which is a call."""
        import triton_python_backend_utils as pb

        names = _INPUTS.get(self._name, ("frame",))
        inputs = [
            {name: pb.get_input_tensor_by_name(request, name).as_numpy() for name in names}
            for request in requests
        ]
        if self._name == SHARED:
            found = [dict(self._engine.infer(given)) for given in inputs]
        else:
            (name,) = names
            arrays = [given[name] for given in inputs]
            together = self._engine.infer({name: np.concatenate(arrays)})
            ends = np.cumsum([len(array) for array in arrays])[:-1]
            parts = {key: np.split(values, ends) for key, values in together.items()}
            found = [{key: parts[key][n] for key in parts} for n in range(len(requests))]
        if self._name == CLIPS:  # see `config.Tensor.scalar`
            found = [{**one, "ef": one["ef"].reshape(-1, 1)} for one in found]
        return [
            pb.InferenceResponse(
                [pb.Tensor(key, np.ascontiguousarray(a)) for key, a in one.items()]
            )
            for one in found
        ]
