"""Metrics for Prometheus: numbers only, which identify no job, client or file."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

STATUSES = ("queued", "running", "answered", "refused", "failed", "cancelled")
_REQUEST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)
_STAGE_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0)


class Metrics:
    """Metrics of one service; nothing is global, so a process may have two."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._jobs = Gauge(
            "edgeecho_jobs", "Jobs in the history.", ["status"], registry=self._registry
        )
        self._waiting = Gauge("edgeecho_queue_length", "Jobs that wait.", registry=self._registry)
        self._node = Gauge(
            "edgeecho_node_events",
            "What the DICOM node has seen since its start.",
            ["event"],
            registry=self._registry,
        )
        self._ready = Gauge("edgeecho_ready", "1: jobs are answered.", registry=self._registry)
        self._stages = Histogram(
            "edgeecho_stage_seconds",
            "Seconds of a job by stage: waiting, decode, preprocess, engine.",
            ["stage"],
            buckets=_STAGE_S,
            registry=self._registry,
        )
        self._requests = Histogram(
            "edgeecho_request_seconds",
            "Seconds from a request to the end of its response; event streams are left out.",
            ["method", "route", "status"],
            buckets=_REQUEST_S,
            registry=self._registry,
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request; `route` is the pattern, never the path."""
        self._requests.labels(method, route, status).observe(seconds)

    def stage(self, name: str, seconds: float) -> None:
        self._stages.labels(name).observe(seconds)

    def text(self, jobs: Mapping[str, int], node: Mapping[str, int], *, ready: bool) -> bytes:
        """Prometheus' text format; `jobs`: number by status; `node`: see `Node.tally`."""
        for status in STATUSES:
            self._jobs.labels(status).set(jobs.get(status, 0))
        self._waiting.set(jobs.get("queued", 0))
        for event, count in node.items():
            self._node.labels(event).set(count)
        self._ready.set(ready)
        return generate_latest(self._registry)
