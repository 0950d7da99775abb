"""Libraries that would write what they read into logs: names, identifiers, dates."""

from __future__ import annotations

import logging
import warnings


def silence() -> None:
    """For the rest of the process: pydicom, pynetdicom and highdicom say nothing.

    Their log messages and warnings quote datasets; what a user needs to know, the node says.
    """
    for name in ("pydicom", "pynetdicom", "highdicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        warnings.filterwarnings("ignore", module=name)
