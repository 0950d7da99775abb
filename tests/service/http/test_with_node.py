"""Page, API and DICOM node as one service: one queue, one engine, one history."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from as_dicom import write_dicom
from dcmtk import dsrdump, find_tool
from made_studies import begin_study, give_clip
from processes import wait
from pydicom.examples import get_path

from edgeecho.service.jobs import JobStore

served = pytest.importorskip("served")
pytest.importorskip("pynetdicom")


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Any]:
    """`edgeecho serve --dicom-port`; its `node` is the port."""
    process = served.Process(
        tmp_path / "state", "--dicom-port", 0, "--quiet", 0, "--out", tmp_path / "sr"
    )
    found = wait(lambda: re.search(r"listening as EDGEECHO on \S+:(\d+)", process.words))
    process.node = found[1]
    yield process
    assert process.stop() == 0, process.words
    assert "Traceback" not in process.words


def of_studies(state: Path, copy: Path) -> list[str]:
    """The service holds its database alone, so a copy is read."""
    copy.mkdir()
    for file in state.glob("jobs.sqlite*"):
        shutil.copy(file, copy)
    with closing(sqlite3.connect(copy / "jobs.sqlite")) as database:
        rows = database.execute("SELECT id FROM job WHERE source = 'study'").fetchall()
    return [row[0] for row in rows]


@pytest.mark.slow
def test_a_standard_client_stores_and_the_page_has_it_too(both: Any, tmp_path: Path) -> None:
    """The acceptance: a phantom is answered, a real cine refused, dcmtk reads both reports."""
    store = find_tool("storescu")
    phantom = write_dicom(served.PHANTOMS[0], tmp_path / "phantom.dcm")
    for file in (phantom, get_path("ybr_color")):
        words = [store, "-xy", "-aec", "EDGEECHO", "127.0.0.1", both.node, str(file)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
    with both.client() as client:
        client.post_file(served.PHANTOMS[1].read_bytes())
        listed = client.get("/api/v1/jobs").json()["jobs"]
        jobs = [client.ended(job["id"]) for job in listed]
        assert [job["status"] for job in reversed(jobs)] == ["answered", "refused", "answered"]
        trail = client.get(f"/api/v1/jobs/{jobs[-1]['id']}/trail").json()["entries"]
        assert trail[0]["detail"]["source"] == "dicom"
        counts = client.get("/metrics").text
        assert 'edgeecho_node_events{event="object stored"} 2.0' in counts
        studies = of_studies(tmp_path / "state", tmp_path / "copy")
        assert len(studies) == 2
        for name in studies:  # the API shows files
            assert client.get(f"/api/v1/jobs/{name}").status_code == 404
    reports = wait(lambda: len(found := list((tmp_path / "sr").glob("2.25*.dcm"))) == 2 and found)
    refused, answered = sorted(map(dsrdump, reports), key=lambda text: "NUM:" in text)
    assert "NUM:" not in refused
    assert "refused: " in refused
    assert "NUM:" in answered
    assert "PHANTOM^NOBODY" in answered


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--send-to", "A@b:104"], "are the DICOM node's: give --dicom-port"),
        (["--dicom-port", "0", "--dicom-bind", "0.0.0.0"], "say with --allow"),
        (["--dicom-port", "0", "--aet", "x" * 17], "is no AE title"),
    ],
)
def test_options_that_do_not_go_together(
    options: list[str], message: str, edgeecho: Any, tmp_path: Path
) -> None:
    done = edgeecho("serve", "--state", tmp_path / "state", "--port", 0, *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_service_without_the_node_leaves_the_nodes_studies_alone(
    edgeecho: Any, tmp_path: Path
) -> None:
    """It would answer them without a report, and the sender was told success."""
    state = tmp_path / "state"
    store = JobStore(state)
    job = give_clip(store)
    store.close()
    done = edgeecho("serve", "--state", state, "--port", 0)
    assert done.returncode == 2
    assert "that came by DICOM wait in this state folder (1): give --dicom-port" in done.stderr
    store = JobStore(state)
    assert store.queue.get(job.id).status == "queued"
    store.queue.end(job.id, "cancelled")
    store.queue.end(begin_study(store, job).id, "cancelled")
    part = store.queue.new_file()
    part.write_bytes(b"a clip")
    store.queue.accept(part, "upload")
    store.close()
    done = edgeecho("listen", "--state", state, "--port", 0)
    assert done.returncode == 2
    assert "came over the API wait" in done.stderr
