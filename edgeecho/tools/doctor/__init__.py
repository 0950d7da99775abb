"""What is installed, which engines can run, what is missing and how to install it.

Broken packages must not stop it, so each is imported on its own, inside a function, and a failure
is reported like any other finding.
"""

from __future__ import annotations

from edgeecho.tools.doctor.engines import find_cache, find_demo_model, find_engines
from edgeecho.tools.doctor.findings import Diagnosis, Finding
from edgeecho.tools.doctor.gpu import find_cuda, find_driver, find_tensorrt
from edgeecho.tools.doctor.report import to_json, to_text
from edgeecho.tools.doctor.software import find_software, find_stages

__all__ = ["Diagnosis", "Finding", "diagnose", "to_json", "to_text"]


def diagnose() -> Diagnosis:
    """Examine everything; takes a few seconds, since engines are imported."""
    return Diagnosis(
        {
            "software": find_software(),
            "engines": find_engines(),
            "demo model": (find_demo_model(),),
            "cache": (find_cache(),),
            "commands of the stages": find_stages(),
            "NVIDIA GPU": (*find_driver(), find_cuda(), find_tensorrt()),
        }
    )
