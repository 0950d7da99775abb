"""Orthanc, an archive that we did not write."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
from dcmtk import find_tool


class Orthanc:
    """A running Orthanc that knows one node, `EDGEECHO`."""

    def __init__(self, folder: Path, node_port: int) -> None:
        """Skips without Orthanc, as `find_tool` does."""
        program = find_tool("Orthanc", package="orthanc")
        http, self.dicom_port = free_port(), free_port()
        settings = {
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "Plugins": [],
            "HttpPort": http,
            "DicomPort": self.dicom_port,
            "DicomAet": "ORTHANC",
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomModalities": {"node": ["EDGEECHO", "127.0.0.1", node_port]},
            # Its clocks for checks of its own.
            "StableAge": 1,
        }
        folder.mkdir()
        config = folder / "orthanc.json"
        config.write_text(json.dumps(settings), encoding="utf-8")
        self._log = (folder / "log.txt").open("wb")
        self._process = subprocess.Popen(
            [program, str(config)], stdout=self._log, stderr=subprocess.STDOUT, cwd=folder
        )
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{http}", timeout=60, trust_env=False)
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + 30
        while True:
            try:
                self._http.get("/system").raise_for_status()
                return
            except httpx.HTTPError:
                assert self._process.poll() is None, "it ended"
                assert time.monotonic() < end, "it does not answer"
                time.sleep(0.05)

    def upload(self, path: Path) -> str:
        """Its identifier of the instance's study."""
        answer = self._http.post("/instances", content=path.read_bytes())
        answer.raise_for_status()
        return str(answer.json()["ParentStudy"])

    def push(self, study: str) -> httpx.Response:
        """C-STORE of a study to the node; the answer of its REST API."""
        job: dict[str, Any] = {"Resources": [study], "Synchronous": True}
        return self._http.post("/modalities/node/store", json=job)

    def reports(self, modality: str = "SR") -> list[bytes]:
        """The files of all reports of edgeecho that it holds; `DOC`: those that are PDFs."""
        wanted = {
            "Level": "Instance",
            "Query": {"Modality": modality, "SeriesDescription": "edgeecho*"},
        }
        found = self._http.post("/tools/find", json=wanted)
        found.raise_for_status()
        return [self._http.get(f"/instances/{one}/file").content for one in found.json()]

    def close(self) -> None:
        self._http.close()
        self._process.terminate()
        self._process.wait(20)
        self._log.close()


def free_port() -> int:
    """One that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
