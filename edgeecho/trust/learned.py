"""The results of `edgeecho calibrate trust` in a bundle.

`trust.npz` has the numbers, and `uncertainty` in the manifest has what people may want to read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile
from edgeecho.bundle.arrays import as_floats, read_arrays
from edgeecho.common.errors import ModelError, UsageError
from edgeecho.common.files import sha256_file
from edgeecho.preprocess import ClipMode
from edgeecho.trust.conformal import Residuals, calibrated_as, interval, probabilities
from edgeecho.trust.difficulty import Difficulty, Hints
from edgeecho.trust.learned_gates import LEARNED, SPACES
from edgeecho.trust.space import Space
from edgeecho.trust.types import Interval, Probabilities

TRUST_FILE = "trust.npz"
METHOD = "split conformal"
# Errors raised for a file or an entry that this version did not write.
_MALFORMED = (OSError, KeyError, ValueError, TypeError, AttributeError, OverflowError)


@dataclass(frozen=True, eq=False)
class Trust:
    """Residuals, spaces and gate thresholds measured for one model."""

    level: float
    precision: str
    """Precision of the model that was measured."""
    domain: str
    """See `Interval`."""
    half_widths: Mapping[str, float]
    """Half width of the interval in EF points, by clip mode, for a video of difficulty 1."""
    residuals: Mapping[str, Residuals]
    """By clip mode, each divided by the difficulty of its video."""
    difficulties: Mapping[str, Difficulty]
    """By clip mode; without one, all videos are of difficulty 1."""
    spaces: Mapping[str, tuple[Space, ...]]
    """By name, see `learned_gates.SPACES`; one for each kind of calibration videos."""
    limits: Mapping[str, float]
    """Threshold of each learned gate, by name."""
    edges: Mapping[str, float]
    """By learned gate, the value that a twentieth of the calibration videos lie beyond."""

    def interval(self, mode: ClipMode, hints: Hints) -> Interval | None:
        """The interval around an EF from the clips of `mode`; None if none was measured."""
        calibrated = calibrated_as(mode, self.half_widths)
        if calibrated is None:
            return None
        half = self.half_widths[calibrated] * self._difficulty(calibrated, hints)
        return interval(hints.ef, half, self.level, self.domain)

    def probabilities(self, mode: ClipMode, hints: Hints) -> Probabilities | None:
        """Those of the heart-failure bands; None if no interval was measured for `mode`."""
        calibrated = calibrated_as(mode, self.half_widths)
        if calibrated is None:
            return None
        residuals = self.residuals[calibrated] * self._difficulty(calibrated, hints)
        return probabilities(hints.ef, residuals)

    def _difficulty(self, calibrated: str, hints: Hints) -> float:
        difficulty = self.difficulties.get(calibrated)
        return 1.0 if difficulty is None else difficulty.of(hints)


def load_trust(model: ModelFile) -> Trust | None:
    """Read what was measured for `model`; None if nothing was, as for a lone ONNX file.

    `ModelError` if the bundle's file is missing, damaged or of another kind.
    """
    if model.uncertainty is None:
        return None
    value = model.uncertainty
    try:
        file = model.path.parent / value["file"]
        if not file.is_file():
            raise ModelError(
                f"{model.path.parent} lacks {file.name}: the copy is incomplete, copy it again"
            )
        found = sha256_file(file)
        if found != value["sha256"]:
            raise ModelError(
                f"{file} was changed after calibration (sha256 {found[:12]}…, manifest says "
                f"{value['sha256'][:12]}…): copy the bundle again"
            )
        return _read(value, read_arrays(file))
    except (*_MALFORMED, UsageError) as error:  # the latter of a clip mode
        raise ModelError(
            f"{model.path.parent / TRUST_FILE} is not what this version of edgeecho reads "
            f"({error}): run `edgeecho calibrate trust` again"
        ) from error


def _read(value: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Trust:
    half_widths = {str(ClipMode.parse(mode)): _number(v) for mode, v in value["half_width"].items()}
    limits, edges = (_by_gate(value[name]) for name in ("thresholds", "edges"))
    # A bundle that was calibrated before there was a gate has neither its threshold nor its space.
    needed = {gate.space for gate in LEARNED if gate.name in limits}
    level = _number(value["level"])
    if not 0 < level < 1 or min(half_widths.values(), default=-1) < 0:
        raise ValueError(f"level {level:g} and half widths of {half_widths} make no interval")
    return Trust(
        level=level,
        precision=str(value["precision"]),
        domain=domain_of(str(value["data"])),
        half_widths=half_widths,
        residuals={mode: as_floats(arrays[f"residuals.{mode}"]) for mode in half_widths},
        difficulties={
            mode: _difficulty(f"difficulty.{mode}", arrays)
            for mode in half_widths
            if f"difficulty.{mode}.weights" in arrays
        },
        spaces={name: _spaces(name, arrays) for name in SPACES if name in needed},
        limits=limits,
        edges=edges,
    )


def _by_gate(values: Mapping[str, Any]) -> dict[str, float]:
    return {gate.name: _number(values[gate.name]) for gate in LEARNED if gate.name in values}


def domain_of(description: str) -> str:
    """The kind of videos in a data set's description: what stands before its details."""
    return description.partition(" (")[0] or "videos without a description"


def _number(value: Any) -> float:
    if not math.isfinite(number := float(value)):
        raise ValueError(f"{number} is no measurement")
    return number


def _spaces(name: str, arrays: Mapping[str, NDArray[Any]]) -> tuple[Space, ...]:
    kinds = sum(key.startswith(f"{name}.") and key.endswith(".mean") for key in arrays)
    if not kinds:
        raise KeyError(f"{name}.0.mean")
    return tuple(_space(f"{name}.{kind}", arrays) for kind in range(kinds))


def _space(name: str, arrays: Mapping[str, NDArray[Any]]) -> Space:
    return Space(
        mean=as_floats(arrays[f"{name}.mean"]),
        scale=as_floats(arrays[f"{name}.scale"]),
        directions=as_floats(arrays[f"{name}.directions"], ndim=2),
        variances=as_floats(arrays[f"{name}.variances"]),
        rest=float(as_floats(arrays[f"{name}.rest"], ndim=0)),
    )


def _difficulty(name: str, arrays: Mapping[str, NDArray[Any]]) -> Difficulty:
    parts = (as_floats(arrays[f"{name}.{part}"]) for part in ("mean", "scale", "weights"))
    return Difficulty(*parts)


def save_trust(trust: Trust, path: Path) -> None:
    """Write the numbers that are not in the manifest."""
    arrays: dict[str, Any] = {f"residuals.{m}": v for m, v in trust.residuals.items()}
    for mode, difficulty in trust.difficulties.items():
        arrays |= {f"difficulty.{mode}.{part}": value for part, value in vars(difficulty).items()}
    for name, spaces in trust.spaces.items():
        for kind, space in enumerate(spaces):
            arrays |= {
                f"{name}.{kind}.mean": space.mean,
                f"{name}.{kind}.scale": space.scale,
                f"{name}.{kind}.directions": space.directions,
                f"{name}.{kind}.variances": space.variances,
                f"{name}.{kind}.rest": np.float32(space.rest),
            }
    single = {name: np.asarray(value, np.float32) for name, value in arrays.items()}
    with path.open("wb") as stream:
        # numpy 1.26 would store an `allow_pickle` as one more array.
        np.savez_compressed(stream, **single)  # type: ignore[arg-type]
