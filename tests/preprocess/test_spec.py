from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeecho.common.errors import ModelError
from edgeecho.preprocess import PreprocessSpec

SPEC = PreprocessSpec((1, 2, 3), (4, 5, 6), training_fps=50.0)

_channel = st.floats(0.1, 255)


@given(
    st.tuples(_channel, _channel, _channel),
    st.tuples(_channel, _channel, _channel),
    st.integers(1, 64),
    st.integers(1, 8),
)
def test_a_spec_survives_json(mean: tuple, std: tuple, frames: int, period: int) -> None:
    spec = PreprocessSpec(mean, std, frames=frames, period=period)
    again = PreprocessSpec.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert again == spec
    assert again.sha256() == spec.sha256()


def test_any_difference_changes_the_hash() -> None:
    base = SPEC.to_dict()
    for name, value in {"mean": [1, 2, 4], "std": [4, 5, 7], "frames": 16, "period": 3,
                        "size": 56, "training_fps": 30.0}.items():  # fmt: skip
        assert PreprocessSpec.from_dict({**base, name: value}).sha256() != SPEC.sha256(), name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time": "resample"}, "time='resample'"),
        ({"padding": "black"}, "padding"),
        ({"fit": "squash"}, "fit"),
        ({"sector": "find"}, "unknown field sector"),
        ({"mean": [1, 2]}, "mean must be three"),
        ({"mean": [1, 2, float("nan")]}, "finite"),
        ({"std": [1, 0, 1]}, "std must be positive"),
        ({"frames": 0}, "frames must be a whole number"),
        ({"frames": 32.5}, "frames must be a whole number"),
        ({"period": True}, "period must be a whole number"),
        ({"training_fps": 0}, "training_fps"),
        ({"training_fps": float("nan")}, "training_fps"),
        ({"training_fps": "50"}, "training_fps"),
        ({"frames": "many"}, "preprocess spec"),
        ({"mean": None}, "preprocess spec"),
    ],
)
def test_a_spec_that_cannot_be_obeyed_is_refused(change: dict, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        PreprocessSpec.from_dict({**SPEC.to_dict(), **change})


@pytest.mark.parametrize("name", sorted(SPEC.to_dict()))
def test_a_lost_field_is_refused_not_replaced_by_a_default(name: str) -> None:
    value = SPEC.to_dict()
    del value[name]
    with pytest.raises(ModelError, match=f"{name} missing"):
        PreprocessSpec.from_dict(value)


def test_the_window_of_the_published_clip_is_63_frames() -> None:
    assert SPEC.window == 63
