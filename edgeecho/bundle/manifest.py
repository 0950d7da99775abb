"""`manifest.json`: a bundle's contents, provenance and measurements."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from edgeecho.bundle.artefact import Artefact, check_file, read_artefact
from edgeecho.bundle.assumed import NORMALISATION, assumed_in, model_warnings
from edgeecho.bundle.segmentation import Segmentation, check_precisions, read_segmentation
from edgeecho.bundle.skill import Skill
from edgeecho.bundle.typed import tuple_of, typed
from edgeecho.common.errors import ModelError
from edgeecho.common.seal import sealed
from edgeecho.preprocess import PreprocessSpec

SCHEMA_VERSION = 1
MANIFEST_FILE = "manifest.json"
CARD_FILE = "model-card.md"
METADATA_KEY = "edgeecho.model"
"""Key in an ONNX file's metadata_props, whose JSON has name, version, precision, preprocess."""


UNGATED = (
    "Knows only what it was trained on (see above); no gate refuses other views, other organs "
    "or no heart at all.",
    "No uncertainty is calibrated yet: the spread over clips says how much the answer varies "
    "along the video, not how far it is from the truth.",
)
"""Limitations of a model without measured uncertainty."""
GATED = (
    "Knows only what it was trained on (see above). Its gates refuse some of what is not like the "
    "videos that they were calibrated on, by no means all: what they let pass may be another view, "
    "another organ or no heart.",
)
"""Limitations that replace `UNGATED` after `edgeecho calibrate trust`."""


@dataclass(frozen=True)
class Manifest:
    """Everything that a bundle states about its model."""

    name: str
    version: str
    architecture: Mapping[str, Any]
    """name, width, parameters."""
    preprocess: PreprocessSpec
    provenance: Mapping[str, Any]
    """checkpoint_sha256, the training record, package versions of the export; if the checkpoint
    does not say something, `assumed`: whose number was taken for it."""
    artefacts: Mapping[str, Artefact]
    """By precision: fp32, fp16, int8."""
    trained_on: str
    """One sentence, shown with every result."""
    intended_use: str
    limits: tuple[str, ...]
    references: Mapping[str, Any]
    """source, clips (their number) and ef_sd; file and sha256 if `edgeecho verify` can run them."""
    evaluation: tuple[Mapping[str, Any], ...] = field(default=())
    """Results of `edgeecho evaluate --record`, one entry per data set and protocol."""
    drift: tuple[Mapping[str, Any], ...] = field(default=())
    """Results of `edgeecho verify --data --record`, one entry per data set and split."""
    calibration: Mapping[str, Any] | None = None
    """For INT8: the set (data, sha256, clips), the chosen method, and the drift of each method."""
    uncertainty: Mapping[str, Any] | None = None
    """Results of `edgeecho calibrate trust`: file and sha256 of the numbers, method, level, n,
    data, half_width by clip mode, thresholds by gate. None if it was not run."""
    skill: Skill | None = None
    """Whether it answers better than a constant. None if that was never measured."""
    segmentation: Segmentation | None = None
    """The network that finds the left ventricle in each frame; None: the bundle has none."""

    @property
    def assumed(self) -> str | None:
        """Whose mean and std were taken; None if they are the model's own."""
        return assumed_in(self.provenance).get(NORMALISATION)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the card and every answer warn of."""
        return model_warnings(self.skill, self.assumed)

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON; `from_dict` gives the same manifest back."""
        value = asdict(self)
        value["preprocess"] = self.preprocess.to_dict()
        return sealed({"schema_version": SCHEMA_VERSION, **value})

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Manifest:
        """Read a manifest; `ModelError` says what is wrong with it."""
        version = value.get("schema_version")
        if version != SCHEMA_VERSION:
            raise ModelError(
                f"manifest has schema version {reprlib.repr(version)}, this edgeecho reads "
                f"{SCHEMA_VERSION}: export the bundle again or change the version of edgeecho"
            )
        if sealed(value)["seal"] != value.get("seal"):
            raise ModelError(
                "manifest was changed after export (its seal does not fit): copy the bundle again"
            )
        fields = {k: v for k, v in value.items() if k not in ("schema_version", "seal")}
        try:
            fields["preprocess"] = PreprocessSpec.from_dict(fields["preprocess"])
            fields["artefacts"] = {k: read_artefact(v) for k, v in fields["artefacts"].items()}
            fields["limits"] = tuple_of(fields["limits"])
            fields["skill"] = Skill.from_dict(fields["skill"])
            fields["segmentation"] = read_segmentation(fields["segmentation"])
            for name in ("evaluation", "drift"):
                fields[name] = tuple_of(fields[name])
            manifest = typed(cls, fields)
            assumed_in(manifest.provenance)
            if manifest.segmentation is not None:
                check_precisions(manifest.segmentation, manifest.artefacts)
            if manifest.uncertainty is not None:
                check_file(manifest.uncertainty)
            if "file" in manifest.references:
                check_file(manifest.references)
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"manifest is incomplete or malformed: {error}") from error
        return manifest
