from __future__ import annotations

import signal
import subprocess
import sys
from copy import deepcopy
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from edgeecho.bundle import open_model
from edgeecho.common.errors import EngineError, ModelError
from edgeecho.engines import OURS, descriptor, load_engine, registry
from edgeecho.engines.trial import FILE

pytestmark = pytest.mark.slow

CPU = [entry.name for entry in OURS if entry.device == "cpu"]
CLIPS = np.random.default_rng(0).standard_normal((5, 3, 32, 56, 56), np.float32)


@pytest.mark.parametrize("name", CPU)
def test_any_batch_gives_the_same_ef_and_embedding_for_a_clip(
    narrow_bundle: Path, name: str
) -> None:
    engine = load_engine(name, open_model(narrow_bundle))
    together = engine.run(CLIPS)
    # 512 features at width 0.0625.
    assert (together.ef.shape, together.embedding.shape) == ((5,), (5, 32))
    assert together.ef.dtype == together.embedding.dtype == np.float32
    alone = [engine.run(CLIPS[i : i + 1]) for i in range(5)]
    efs, embeddings = (np.concatenate(v) for v in zip(*map(astuple, alone), strict=True))
    assert np.abs(together.ef - efs).max() < 0.001
    assert np.abs(together.embedding - embeddings).max() < 1e-4 * np.abs(embeddings).max()
    assert engine.facts.name == name
    assert engine.facts.precision == "f32"


def test_engines_agree_within_a_hundredth_of_a_point(narrow_bundle: Path) -> None:
    model = open_model(narrow_bundle)
    answers = [load_engine(name, model).run(CLIPS).ef for name in CPU]
    assert len(answers) == 2
    assert np.ptp(answers[0]) > 0
    assert np.abs(answers[0] - answers[1]).max() < 0.01


def test_results_are_not_overwritten_by_the_next_run(narrow_bundle: Path) -> None:
    for name in CPU:
        engine = load_engine(name, open_model(narrow_bundle))
        first = engine.run(CLIPS[:1])
        kept = deepcopy(first)
        engine.run(CLIPS[1:2])
        assert (first.ef == kept.ef).all()
        assert (first.embedding == kept.embedding).all()


@pytest.mark.parametrize("name", CPU)
def test_outputs_are_found_by_name_and_both_must_be_there(tmp_path: Path, name: str) -> None:
    pytest.importorskip("onnx")
    from tiny import SHAPE, tiny_bundle, write_tiny

    model = open_model(tiny_bundle(tmp_path / "bundle"))
    clips = CLIPS[:, :, : SHAPE[1], : SHAPE[2], : SHAPE[3]]
    both = load_engine(name, model).run(clips)
    assert (both.ef.shape, both.embedding.shape) == ((5,), (5, 4))
    for one, other in (("ef", "embedding"), ("embedding", "ef")):
        path = write_tiny(tmp_path / "other.onnx", outputs=(other,))
        with pytest.raises(
            ModelError, match=rf"other\.onnx has no output {one}, only {other}: exp"
        ):
            load_engine(name, replace(model, path=path))


def test_the_number_of_threads_is_obeyed(narrow_bundle: Path) -> None:
    for name in CPU:
        assert load_engine(name, open_model(narrow_bundle), threads=1).facts.threads == 1


def test_ours_are_found_without_a_look_at_other_packages(
    narrow_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(**_: object) -> None:
        raise AssertionError("other packages were looked at")

    monkeypatch.setattr(registry, "entry_points", look)
    for name in ("auto", *CPU):
        load_engine(name, open_model(narrow_bundle))
        assert registry.shares("openvino", open_model(narrow_bundle))


def test_a_lone_file_runs_on_one_engine_where_the_other_is_not_installed() -> None:
    """In a process of its own, in which nothing was imported before."""
    program = (
        "import sys\n"
        "sys.modules[sys.argv[1]] = None\n"  # makes `import` fail
        "from pathlib import Path\n"
        "from edgeecho.inference import load_model\n"
        "print(load_model(Path(sys.argv[2]), engine=sys.argv[3]).engine.facts.name)\n"
    )
    for missing, name in (("openvino", "onnxruntime"), ("onnxruntime", "openvino")):
        words = [sys.executable, "-c", program, missing, FILE, name]
        done = subprocess.run(words, capture_output=True, text=True)
        assert (done.stdout, done.stderr) == (f"{name}\n", "")


def test_an_unknown_engine_lists_the_known_ones(narrow_bundle: Path) -> None:
    with pytest.raises(EngineError, match="'tensorflow' is not known: choose auto, openvino, onnx"):
        load_engine("tensorflow", open_model(narrow_bundle))


def test_a_named_engine_that_is_missing_is_an_error_not_a_fall_back(
    narrow_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptor, "find_spec", lambda name: None)
    model = open_model(narrow_bundle)
    with pytest.raises(EngineError, match=r"not installed: pip install 'edgeecho\[ort\]'"):
        load_engine("onnxruntime", model)
    with pytest.raises(EngineError, match="no engine is installed: pip install openvino"):
        load_engine("auto", model)


@pytest.mark.parametrize("name", CPU)
def test_a_file_that_an_engine_cannot_load_is_one_line(
    narrow_bundle: Path, tmp_path: Path, name: str
) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(open_model(narrow_bundle).path.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"cannot load broken\.onnx") as caught:
        load_engine(name, replace(open_model(narrow_bundle), path=broken))
    assert "\n" not in str(caught.value)


def test_a_graph_that_openvino_cannot_run_is_one_line(narrow_bundle: Path) -> None:
    engine = load_engine("openvino", open_model(narrow_bundle))
    with pytest.raises(EngineError, match=r"OpenVINO cannot run fp32\.onnx: .") as caught:
        engine.run(CLIPS[:, :, :5])
    assert "\n" not in str(caught.value)


SIGNAL = """
import gc, os, signal, sys
from pathlib import Path
from edgeecho.bundle import open_model
from edgeecho.engines import load_engine
signal.signal(signal.SIGUSR1, lambda *_: print("handled", end=""))
model = open_model(Path(sys.argv[1]))
first, second = load_engine("openvino", model), load_engine("openvino", model)
del first
gc.collect()
del second
gc.collect()
os.kill(os.getpid(), signal.SIGUSR1)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="signals of POSIX")
def test_a_signal_is_handled_after_engines_are_gone(narrow_bundle: Path) -> None:
    # By itself OpenVINO leaves the thread an unmapped signal stack when two `Core` end in the order
    # in which they began: SIGSEGV at the next signal, SIGTERM of a service for example.
    done = subprocess.run(
        [sys.executable, "-c", SIGNAL, narrow_bundle], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "handled"), done.stderr
