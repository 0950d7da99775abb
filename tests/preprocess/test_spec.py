from __future__ import annotations

import hashlib
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


def test_the_hash_in_a_report_is_that_of_every_version() -> None:
    # By whatever way: name by name in order, without spaces.
    text = json.dumps(SPEC.to_dict(), sort_keys=True, separators=(",", ":"))
    assert SPEC.sha256() == hashlib.sha256(text.encode()).hexdigest()


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


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ({"frames": 4096, "size": 8}, {"frames": 4097, "size": 8}),
        ({"period": 4096, "size": 8}, {"period": 4097, "size": 8}),
        ({"size": 1024, "frames": 64, "period": 1}, {"size": 1025, "frames": 64, "period": 1}),
        ({"size": 4096, "frames": 1, "period": 4}, {"size": 4096, "frames": 1, "period": 5}),
        ({"frames": 1, "period": 1, "size": 1}, {"frames": 1, "period": 0, "size": 1}),
        ({"training_fps": 1000.0}, {"training_fps": 1000.1}),
        ({"training_fps": 0.1}, {"training_fps": 0.0}),
        ({"training_fps": 50}, {"training_fps": True}),
        ({"time": "resample(1000)"}, {"time": "resample(1000.1)"}),
        ({"time": "resample(0.1)"}, {"time": "resample(0.0)"}),
        ({"mean": [1e6, -1e6, 0]}, {"mean": [1, 2, 1.1e6]}),
        ({"std": [1e-9, 1, 1]}, {"std": [0, 1, 1]}),
    ],
)
def test_each_limit_of_a_spec_is_where_it_says(allowed: dict, refused: dict) -> None:
    PreprocessSpec.from_dict({**SPEC.to_dict(), **allowed})
    with pytest.raises(ModelError, match="preprocess spec: "):
        PreprocessSpec.from_dict({**SPEC.to_dict(), **refused})


def test_the_rate_is_the_number_in_brackets() -> None:
    values = ("native", "resample(50)", "resample(29.97)")
    specs = [PreprocessSpec.from_dict({**SPEC.to_dict(), "time": value}) for value in values]
    assert [spec.resample_fps for spec in specs] == [None, 50.0, 29.97]


def test_the_published_preprocessing_is_the_default() -> None:
    spec = PreprocessSpec((1, 2, 3), (4, 5, 6))
    assert (spec.frames, spec.period, spec.size) == (32, 2, 112)
    assert (spec.training_fps, spec.time) == (None, "native")


@pytest.mark.parametrize("name", sorted(SPEC.to_dict()))
def test_a_lost_field_is_refused_not_replaced_by_a_default(name: str) -> None:
    value = SPEC.to_dict()
    del value[name]
    with pytest.raises(ModelError, match=f"{name} missing"):
        PreprocessSpec.from_dict(value)


def test_the_window_of_the_published_clip_is_63_frames() -> None:
    assert SPEC.window == 63
