"""How many workers the nodes of a Ray get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgeecho.engines import find_engine


@dataclass(frozen=True)
class Seat:
    """A place for a worker on a node."""

    node: str
    """Ray's id of it."""
    host: str
    index: int
    """Among the node's seats."""
    threads: int
    gpus: float = 0
    """Share of a GPU that a worker there has."""


@dataclass(frozen=True)
class Seating:
    """How many workers a node gets."""

    workers: int = 0
    """0: one for each core or GPU."""
    gpu: bool = False
    """The engine runs on GPUs: nodes without one get none."""

    @classmethod
    def of(cls, engine: str, workers: int) -> Seating:
        """For the engine of that name; `auto` is the CPU's, so that all nodes take the same."""
        found = find_engine(engine)
        return cls(workers, gpu=found is not None and found.device != "cpu")

    def seats(self, node: dict[str, Any]) -> list[Seat]:
        """The seats of a node, as `ray.nodes` describes it."""
        resources = node["Resources"]
        cores, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
        count = min(self.workers or (gpus if self.gpu else cores), cores)
        if not count or (self.gpu and not gpus):
            return []
        share = min(1.0, gpus / count) if self.gpu else 0
        return [
            Seat(node["NodeID"], node["NodeManagerHostname"], index, cores // count, share)
            for index in range(count)
        ]
