"""What the pages state of code, commands and the demo model is so."""

from __future__ import annotations

import inspect
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made import PHANTOMS
from pages import DOCS, ROOT, commands, form, kept, read, section
from traced import traced_once

import edgeecho as package
from edgeecho.bundle import DEMO, Manifest, read_manifest
from edgeecho.cli.commands import infer, listen, serve
from edgeecho.trust.gates import FIXED
from edgeecho.trust.learned_gates import LEARNED


def run(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from edgeecho.cli.app import main; main()", *map(str, words)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.timeout(900)
@pytest.mark.torch
@pytest.mark.slow
def test_the_way_from_data_to_a_device_runs_as_written(
    edgeecho: Any, phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = commands(section(read(DOCS / "workflow.md"), "All of it in a few minutes"))
    (first, *chain) = [shlex.split(line)[1:] for line in lines]
    # Those of the fixture, which ran them in a process of its own.
    assert first == ["phantom", "--out", "data/tiny", *map(str, PHANTOMS)]
    shutil.copytree(phantoms, tmp_path / "data" / "tiny")
    assert [words[0] for words in chain] == ["train", "export", "infer", "bench"]
    monkeypatch.chdir(tmp_path)
    with traced_once():
        for words in chain:
            done = edgeecho(*words)
            assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    assert done.stdout.splitlines()[-1] == "Research use only, not for diagnosis."


@pytest.mark.slow
def test_bench_prints_in_the_form_that_was_kept(tmp_path: Path) -> None:
    words = ("--runs", 20, "--warmup", 2, "--cold-starts", 2)
    found = form(run("bench", *words, cwd=tmp_path).stdout.replace("narrow", "demo"))
    # The demo traces masks; the narrow network, which runs here, has none.
    lines = form("\n".join(kept("edgeecho bench")))
    shown = [line for line in lines if line and "masks" not in line]
    assert len(shown) > 15
    # Where lines break depends on the widths of names.
    joined = " ".join(found).replace(" : ", " ")
    missing = [line for line in shown if line not in found and line not in joined]
    assert missing == []


@pytest.mark.slow
def test_export_prints_in_the_form_that_was_kept(
    edgeecho: Any, narrow_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundles" / "demo"
    with traced_once():
        done = edgeecho("export", narrow_run / "best.pt", "--out", out, "--name", "demo")
    assert done.returncode == 0, done.stderr
    shown = (done.stderr + done.stdout).replace(str(out), "bundles/demo")
    taken = [line for line in form(shown) if "this network has learnt nothing" not in line]
    # What is said of skill depends on the network.
    lines = form("\n".join(kept("edgeecho export")))
    expected = [line for line in lines if not line.startswith("skill: ")]
    assert [line for line in taken if line in expected] == expected


def test_the_page_of_python_names_what_is_exported() -> None:
    page = read(DOCS / "api.md")
    (sentence,) = re.findall(r"`edgeecho` exports (.*?), and nothing else", page, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", sentence)) == set(package.__all__)
    shown = re.findall(r"^::: edgeecho\.(\w+)$", page, re.MULTILINE)
    assert {*shown, "RESEARCH_USE", "__version__"} == set(package.__all__)


def test_limits_and_defaults_are_those_of_the_options() -> None:
    page = " ".join(read(DOCS / "commands.md").split())
    (once, served) = re.findall(r"`--limit` \(`infer`: (\d+) s, .*?: (\d+) s\)", page)[0]
    limits = {
        module: inspect.signature(getattr(module, name)).parameters["limit"].default
        for module, name in ((infer, "infer"), (serve, "serve"), (listen, "listen"))
    }
    assert list(limits.values()) == [int(once), int(served), int(served)]
    assert inspect.signature(serve.serve).parameters["port"].default == 8117
    assert "http://127.0.0.1:8117" in page
    assert inspect.signature(listen.listen).parameters["port"].default == 11112
    assert "127.0.0.1:11112" in page
    assert inspect.signature(infer.infer).parameters["clips"].default == "stride:16"


def test_the_table_of_commands_is_whole(edgeecho: Any) -> None:
    page = read(DOCS / "commands.md")
    table = set(re.findall(r"^\| `edgeecho ([a-z]+)", page, re.MULTILINE))
    (sentence,) = re.findall(r"there are also (.*?):\n", page, re.DOTALL)
    stages = set(re.findall(r"`([a-z]+)`", sentence))
    listed = set(re.findall(r"^│ ([a-z]+) ", edgeecho("--help").stdout, re.MULTILINE))
    assert table | stages == listed


def test_the_page_of_trust_has_every_gate() -> None:
    named = re.findall(r"^\| `([a-z-]+)` \|", read(DOCS / "trust.md"), re.MULTILINE)
    learned = {gate.name.partition("/")[0] for gate in LEARNED}
    assert set(named) == {*FIXED, *learned}


def test_the_sector_of_the_demo_s_phantoms_is_as_large_as_is_said(manifest: Manifest) -> None:
    measured = manifest.uncertainty
    assert measured is not None
    # A learned threshold lies a fifth beyond the most extreme calibration video.
    limits = measured["thresholds"]
    low, high = limits["sector/least"] * 1.2, limits["sector/most"] / 1.2
    said = f"{measured['n']} calibration phantoms"
    assert f"{said}: {low:.2f} to {high:.2f} |" in read(DOCS / "trust.md")
    code = read(ROOT / "edgeecho" / "trust" / "gates.py")
    assert f"{said} have {low:.2f} to {high:.2f}.\n" in code


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_manifest(DEMO)


def entry(manifest: Manifest, clips: str, seed: int, precision: str = "int8") -> dict[str, Any]:
    """What was recorded of the largest data set of a seed."""
    found = [
        dict(e)
        for e in manifest.evaluation
        if (e["clips"], e["precision"]) == (clips, precision) and f"seed {seed}," in e["data"]
    ]
    return max(found, key=lambda e: int(e["n"]))


@pytest.mark.parametrize(("n", "seed"), [(300, 103), (300, 203), (150, 104)])
def test_the_page_of_the_demo_says_what_was_recorded(manifest: Manifest, n: int, seed: int) -> None:
    found = entry(manifest, "stride:16", seed)
    low, high = found["mae_interval"]["low"], found["mae_interval"]["high"]
    inside, of = found["coverage"]["inside"], found["coverage"]["n"]
    row = (
        f"(seed {seed}) | {n} | **{found['mae']:.2f}** ({low:.2f} to {high:.2f}) | "
        f"{found['mae_of_mean']:.2f} | {found['r2']:.3f} | {inside} of {of} "
        f"({100 * inside / of:.1f} %) | {found['refused']} |"
    )
    assert row in read(DOCS / "demo-model.md")


def test_the_page_of_the_demo_knows_its_size_and_interval(manifest: Manifest) -> None:
    page = " ".join(read(DOCS / "demo-model.md").split())
    assert f"({manifest.architecture['parameters']:,} parameters)" in page
    assert f"INT8 ({(DEMO / 'int8.onnx').stat().st_size / 1e6:.0f} MB)" in page
    measured = manifest.uncertainty
    assert measured is not None
    width, n = measured["half_width"]["stride:16"], measured["n"]
    assert f"plus and minus {width:.1f} points, from {n} other phantoms" in page
    assert f"{n} of {measured['videos']}" in (DEMO / "model-card.md").read_text()


def test_int8_costs_the_demo_what_its_page_says(manifest: Manifest) -> None:
    measured = manifest.artefacts["int8"].verification[0]
    said = (
        f"by {measured.mean_drift:.2f} points in the mean and by {measured.max_drift:.2f} "
        f"at most ({measured.clips} clips, OpenVINO)"
    )
    assert measured.engine == "openvino"
    assert said in " ".join(read(DOCS / "demo-model.md").split())


def test_the_page_of_commands_repeats_the_page_of_speed() -> None:
    page, speed = (" ".join(read(DOCS / f"{name}.md").split()) for name in ("commands", "speed"))
    held = {
        "8.4 times as fast": "| edgeecho | int8 | 106 | 8.40 (",
        "in 6.5 s instead of": "| edgeecho, sharing | int8 | 6.5 | 22.53 (",
        "150 s (22.5 times)": "| PyTorch eager | fp32 | 150 |",
        "6.6 times": "| edgeecho, sharing | fp32 | 22.4 | 6.60 (",
        "within 0.00002 points": "| 6.60 (5.54 to 7.87) | 1.5e-05 |",
    }
    for said, measured in held.items():
        assert said in page
        assert measured in speed


def test_the_version_is_one_number_in_three_places() -> None:
    (heading,) = re.findall(r"^## (\S+)", read(ROOT / "CHANGELOG.md"), re.MULTILINE)[:1]
    assert heading == package.__version__
    assert f'\nversion = "{heading}"\n' in read(ROOT / "pyproject.toml")
