"""No command may overwrite what it reads: the clip may be the only one of its patient."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from media import jpegs, write_avi

from edgeecho.bundle import default_model


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    (tmp_path / "study" / "deep").mkdir(parents=True)
    return write_avi(tmp_path / "study" / "clip.avi", jpegs())


def same(clip: Path) -> Path:
    return clip


def by_detour(clip: Path) -> Path:
    return clip.parent / "deep" / ".." / clip.name


def relative(clip: Path) -> Path:
    return Path("study") / clip.name


def symlink(clip: Path) -> Path:
    (link := clip.parent.parent / "soft.avi").symlink_to(clip)
    return link


def chain_of_links(clip: Path) -> Path:
    (link := clip.parent / "chain.avi").symlink_to(symlink(clip))
    return link


def in_linked_folder(clip: Path) -> Path:
    (link := clip.parent.parent / "linked").symlink_to(clip.parent)
    return link / clip.name


def hard_link(clip: Path) -> Path:
    os.link(clip, link := clip.parent.parent / "hard.avi")
    return link


NAMES = [same, by_detour, relative, symlink, chain_of_links, in_linked_folder, hard_link]


def check_refused(edgeecho: Any, clip: Path, *words: object) -> None:
    before, files = clip.read_bytes(), sorted(clip.parent.parent.rglob("*"))
    done = edgeecho(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is one of the files to be read" in done.stderr
    assert done.stderr.count("\n") == 1
    assert clip.read_bytes() == before
    assert sorted(clip.parent.parent.rglob("*")) == files


@pytest.mark.parametrize("other", NAMES)
@pytest.mark.parametrize("option", ["--csv", "--html"])
def test_infer_overwrites_no_video(
    edgeecho: Any,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    other: Callable[[Path], Path],
    option: str,
) -> None:
    monkeypatch.chdir(clip.parent.parent)
    out = other(clip)
    for given in (clip, clip.parent, Path("study"), "."):
        check_refused(edgeecho, clip, "infer", given, option, out)


@pytest.mark.parametrize("other", NAMES)
def test_preview_overwrites_no_video(
    edgeecho: Any, clip: Path, monkeypatch: pytest.MonkeyPatch, other: Callable[[Path], Path]
) -> None:
    monkeypatch.chdir(clip.parent.parent)
    check_refused(edgeecho, clip, "preview", clip, "--out", other(clip))


def test_the_video_may_be_the_link(edgeecho: Any, clip: Path) -> None:
    check_refused(edgeecho, clip, "preview", symlink(clip), "--out", clip)
    check_refused(edgeecho, clip, "infer", hard_link(clip), "--csv", clip)


def test_no_model_is_overwritten(edgeecho: Any, clip: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(default_model(), tmp_path / "model"))
    for out in sorted(file for file in model.rglob("*") if file.is_file()):
        check_refused(edgeecho, clip, "infer", clip, "--model", model, "--csv", out)
    check_refused(
        edgeecho, clip, "infer", clip, "--model", model / "fp32.onnx", "--csv", model / "fp32.onnx"
    )


def test_two_outputs_must_not_be_one_file(
    edgeecho: Any, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clip.parent)
    for csv, html in [("out", "out"), ("out", clip.parent / "deep" / ".." / "out")]:
        done = edgeecho("infer", clip, "--csv", csv, "--html", html)
        assert (done.returncode, done.stdout) == (2, "")
        assert "--csv and --html are one file" in done.stderr
    (clip.parent / "link").symlink_to("out")
    assert "are one file" in edgeecho("infer", clip, "--csv", "out", "--html", "link").stderr


@pytest.mark.slow
def test_results_beside_the_videos_and_over_old_results_are_fine(edgeecho: Any, clip: Path) -> None:
    table, page = clip.parent / "table.csv", clip.parent / "page.html"
    for _ in range(2):
        done = edgeecho("infer", clip.parent, "--clips", "center", "--csv", table, "--html", page)
        assert done.returncode == 0, done.stderr
    assert "clip.avi" in table.read_text()
    assert "clip.avi" in page.read_text()


@pytest.mark.slow
def test_names_that_cannot_be_written_are_still_one_line(edgeecho: Any, clip: Path) -> None:
    (loop := clip.parent / "loop").symlink_to("loop")
    for out in (loop, clip.parent / ("x" * 300), clip.parent):
        done = edgeecho(
            "infer", clip, "--clips", "center", "--csv", out, "--html", clip.parent / "a.html"
        )
        assert done.returncode in (0, 2)
        assert done.stderr.count("\n") == done.returncode // 2
