"""A real Triton answers what `edgeecho infer` answers: `make test-triton`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from triton_server import ROOT, home, serving

from edgeecho.inference import load_model, run_normalised

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(home() is None, reason="needs nvidia-pytriton: make test-triton"),
]

VIDEOS = sorted((ROOT / "examples" / "phantoms" / "Videos").iterdir())
BUNDLES = {
    "narrow": ROOT / "models" / "narrow" / "bundle",
    "demo": ROOT / "edgeecho" / "models" / "demo",
}


@pytest.fixture(scope="module", params=BUNDLES)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """The server's address, and the bundle that is served."""
    from edgeecho.tools.triton import write_repository

    bundle, folder = BUNDLES[request.param], tmp_path_factory.mktemp("t")
    write_repository(bundle, folder / "r", precision=None, backend="python", instances=2)
    with serving(folder / "r", folder / "log") as address:
        yield address, bundle


def infer(address: str, model: str, name: str, kind: str, values: Any) -> Any:
    """By a client of its own: they belong to one thread."""
    import tritonclient.http as triton

    given = triton.InferInput(name, list(values.shape), kind)
    given.set_data_from_numpy(values)
    with triton.InferenceServerClient(address, network_timeout=120) as client:
        return client.infer(model, [given])


def ask(address: str, file: Path) -> Any:
    return infer(address, "edgeecho", "file", "BYTES", np.array([file.read_bytes()], object))


@pytest.fixture
def odd(tmp_path: Path) -> list[Path]:
    """A still picture as a video, and one played twice as fast."""
    from media import phantom_frames, write_video

    still = write_video(tmp_path / "still.avi", frames=phantom_frames()[:1].repeat(80, axis=0))
    fast = write_video(tmp_path / "fast.avi", frames=phantom_frames()[::4])
    return [still, fast]


def test_files_have_the_answers_of_infer(
    served: tuple[str, Path], odd: list[Path], edgeecho: Any
) -> None:
    address, bundle = served
    files = [*VIDEOS, *odd]
    expected = json.loads(edgeecho("infer", *files, "--json", "--model", bundle).stdout)["results"]
    assert {result["status"] for result in expected} == {"answered", "refused"}
    with ThreadPoolExecutor(4) as pool:  # so that clips of several videos come together
        found = list(pool.map(lambda file: ask(address, file), files))
    for answer, result in zip(found, expected, strict=True):
        assert answer.as_numpy("status").tolist() == [result["status"].encode()]
        gates = [refusal["gate"].encode() for refusal in result["refusals"]]
        assert answer.as_numpy("refusals").tolist() == gates
        if "ef" not in result:
            assert answer.as_numpy("ef").shape == answer.as_numpy("interval").shape == (0,)
            continue
        assert answer.as_numpy("ef") == pytest.approx([result["ef"]], abs=0.05)
        interval = result["interval"]
        bounds = [interval["low"], interval["high"]] if interval else []
        assert answer.as_numpy("interval") == pytest.approx(bounds, abs=0.05)
        document = json.loads(answer.as_numpy("result")[0])
        assert document["engine"]["name"] == "triton"
        assert document["results"][0]["clip_efs"] == pytest.approx(result["clip_efs"], abs=0.05)


def test_a_file_that_cannot_be_used_is_an_error_and_the_next_is_answered(
    served: tuple[str, Path], tmp_path: Path
) -> None:
    from tritonclient.utils import InferenceServerException

    address, _ = served
    (tmp_path / "doe.avi").write_text("no video")
    with pytest.raises(InferenceServerException, match="not a video or DICOM file") as error:
        ask(address, tmp_path / "doe.avi")
    assert "doe" not in str(error.value)
    assert ask(address, VIDEOS[0]).as_numpy("status")[0] == b"answered"


def test_clips_in_batches(served: tuple[str, Path]) -> None:
    address, bundle = served
    model = load_model(bundle)
    spec = model.file.preprocess
    rng = np.random.default_rng(0)
    clips = rng.normal(size=(3, 3, spec.frames, spec.size, spec.size)).astype(np.float32)
    expected = run_normalised(clips, model.engine)

    def efs(part: slice) -> Any:
        answer = infer(address, "edgeecho-clips", "clip", "FP32", clips[part])
        return answer.as_numpy("ef")

    with ThreadPoolExecutor(4) as pool:
        parts = [slice(0, 3), slice(0, 1), slice(1, 2), slice(2, 3)]
        found = list(pool.map(efs, parts))
    assert found[0].shape == (3, 1)
    assert found[0].ravel() == pytest.approx(expected.ef, abs=0.05)
    assert np.concatenate(found[1:]).ravel() == pytest.approx(expected.ef, abs=0.05)
