"""The API's models, as OpenAPI describes them. Times are Unix time in s."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgeecho.common.about import RESEARCH_USE

Status = Literal["queued", "running", "answered", "refused", "failed", "cancelled"]


class View(BaseModel):
    """Nothing beside its fields."""

    model_config = ConfigDict(extra="forbid")


class ProgressView(View):
    """How far a running job is."""

    stage: Literal["reading", "engine"]
    done: int = Field(description="Clips that are answered.")
    of: int = Field(description="Clips in all; 0 while the file is read.")


class IntervalView(View):
    """Prediction interval of an EF."""

    low: float = Field(description="In %.")
    high: float = Field(description="In %.")
    level: float = Field(description="0 to 1.")
    domain: str = Field(description="What kind of videos it was measured on.")


class SummaryView(View):
    """The result in short. A refused one has reasons and no number."""

    ef: float | None = Field(description="In %; null: refused.")
    band: str | None = Field(description="Clinical band of the EF; null: refused.")
    interval: IntervalView | None
    refusals: list[str] = Field(description="Gates that refused the number.")
    warnings: int = Field(description="How many.")


class ReviewView(View):
    """What a reader said of a result, the last time."""

    decision: Literal["accepted", "rejected"]
    note: str
    at: float


class JobView(View):
    """A file that was accepted, and what became of it."""

    id: str = Field(pattern="^[0-9a-f]{32}$")
    source: Literal["upload", "dicom"]
    status: Status
    received: float
    started: float | None
    finished: float | None
    size: int = Field(description="In bytes.")
    sha256: str
    place: int | None = Field(description="Jobs before it; null unless queued.")
    progress: ProgressView | None = Field(description="Null unless running.")
    summary: SummaryView | None = Field(description="Null unless answered or refused.")
    error: str | None = Field(description="Why there is no answer; null unless failed.")
    review: ReviewView | None
    forms: list[str] = Field(description="Suffixes under which the result can be had.")
    research_use: str = RESEARCH_USE


class HistoryView(View):
    """Jobs, the last received first."""

    jobs: list[JobView]
    research_use: str = RESEARCH_USE


class ReviewIn(View):
    """A reader's decision about a result."""

    decision: Literal["accepted", "rejected"]
    note: str = Field("", max_length=1000, description="No names of patients.")


class EntryView(View):
    """A line of the audit trail."""

    number: int
    at: float
    event: str
    detail: dict[str, Any] = Field(
        description="Of a broken line: what stands there now, as text under `changed`."
    )
    chain: str = Field(description="SHA-256 that depends on this line and on all before it.")
    broken: bool = Field(description="It is not as it was written, or the one before it is gone.")


class TrailView(View):
    """Everything that happened to a job, in order."""

    entries: list[EntryView]
    research_use: str = RESEARCH_USE


class ModelView(View):
    """The model that answers."""

    name: str
    version: str
    precision: str
    sha256: str
    preprocess_sha256: str
    trained_on: str


class AboutView(View):
    """What runs here, and its limits."""

    edgeecho: str
    model: ModelView
    clips: str
    most_bytes: int = Field(description="Of an upload.")
    most_waiting: int = Field(description="Jobs.")
    research_use: str = RESEARCH_USE


class StateView(View):
    """Of the service."""

    status: Literal["ok"]


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="One line: what, why, what to do next.")
