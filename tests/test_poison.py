"""No pixel that nobody decoded: not of memory, and not of another file, of another patient."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dicoms import write_dicom
from interlaced import FORMATS, true_frames, write_interlaced
from media import FAULTS, VIDEO_FORMATS, jpegs, phantom_frames, write_format
from poisoned import IMAGE, POISONS, decode_all, need_poison, run_poisoned
from pydicom.uid import MPEG2MPML, JPEGBaseline8Bit

pytestmark = pytest.mark.slow

EDGEECHO = ("-c", "from edgeecho.cli.app import main; main()")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Whole files of every kind: 12 progressive, 10 interlaced, 3 DICOM."""
    need_poison()
    folder = tmp_path_factory.mktemp("poison")
    found = [write_format(folder, name) for name in VIDEO_FORMATS]
    found += [write_interlaced(folder, name) for name in FORMATS]
    woven = write_interlaced(folder, "MPEG-2, PS").read_bytes()
    found.append(
        write_dicom(
            folder / "woven.dcm",
            true_frames((224, 224))[:25],
            encoded=[woven],
            syntax=MPEG2MPML,
            PhotometricInterpretation="YBR_PARTIAL_420",
        )
    )
    found.append(
        write_dicom(
            folder / "jpeg.dcm",
            phantom_frames(),
            encoded=jpegs(),
            syntax=JPEGBaseline8Bit,
            PhotometricInterpretation="YBR_FULL_422",
        )
    )
    found.append(write_dicom(folder / "plain.dcm", phantom_frames()))
    return found


def test_whole_files_in_one_process(files: list[Path]) -> None:
    assert len(files) >= 20
    first = decode_all(POISONS[0], files)
    second = decode_all(POISONS[1], files[::-1])
    assert all(isinstance(value, list) for value in first.values()), first
    assert first == second
    assert first == decode_all(0, files, apart=True)


def test_damaged_files_in_one_process(files: list[Path], tmp_path: Path) -> None:
    broken = []
    for fault in FAULTS.keys() - {"whole", "empty"}:
        for file in files:
            broken.append(tmp_path / f"{fault} {file.name}")
            broken[-1].write_bytes(FAULTS[fault](file.read_bytes()))
    first = decode_all(POISONS[0], broken)
    second = decode_all(POISONS[1], broken[::-1])
    assert {f.name: v for f, v in first.items() if v != second[f]} == {}


@pytest.mark.parametrize("workers", [0, 2])
def test_the_pages_of_infer(
    files: list[Path], workers: int, toy_bundle: Path, tmp_path: Path
) -> None:
    pages = []
    for poison, order in ((POISONS[0], files), (POISONS[1], files[::-1])):
        page = tmp_path / f"{poison}.html"
        words = ["infer", *order, "--html", page, "--clips", "center", "--workers", workers]
        words += ["--show-refused", "--fps", "30", "--model", toy_bundle]
        done = run_poisoned(poison, [*EDGEECHO, *words])
        assert done.returncode in (0, 5), done.stderr
        pages.append(_images(page.read_text("utf-8"), files))
    assert all(pages[0][file.name] for file in files)
    assert pages[0] == pages[1]


def _images(page: str, files: list[Path]) -> dict[str, list[str]]:
    """By name of the file, the images of its section."""
    names = {file.name for file in files}
    found = {}
    for section in page.split("<article ")[1:]:
        (name,) = re.findall("<h2[^>]*><bdi>([^<]+)</bdi>", section)
        found[name] = IMAGE.findall(section)
    assert found.keys() == names, "a section for each file"
    return found


def test_preview(files: list[Path], toy_bundle: Path, tmp_path: Path) -> None:
    woven = next(file for file in files if file.suffix == ".ts")
    sheets = []
    for poison in POISONS:
        sheet = tmp_path / f"{poison}.png"
        words = ["preview", woven, "--out", sheet, "--no-crop", "--model", toy_bundle]
        done = run_poisoned(poison, [*EDGEECHO, *words])
        assert done.returncode == 0, done.stderr
        sheets.append(sheet.read_bytes())
    assert sheets[0] == sheets[1]


def test_what_a_service_answers(
    files: list[Path], toy_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastapi")
    from served import Process

    sent = [file for file in files if file.name in ("avimjpg.avi", "woven.dcm")]
    sent += [file for file in files if file.suffix in (".ts", ".mov")]
    answers = []
    for poison, order in ((POISONS[0], sent), (POISONS[1], sent[::-1])):
        monkeypatch.setenv("MALLOC_PERTURB_", str(poison))
        service, shown = Process(tmp_path / str(poison), "--model", toy_bundle), {}
        try:
            with service.client() as client:
                for file in order:
                    job = client.ended(client.post_file(file.read_bytes())["id"])
                    page = client.get(f"/api/v1/jobs/{job['id']}/result.html").text
                    shown[file.name] = IMAGE.findall(page)
        finally:
            service.kill()
        answers.append(shown)
    assert all(answers[0].values())
    assert answers[0] == answers[1]
