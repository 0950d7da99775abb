"""Silencing libraries that log what they read: names, identifiers, dates."""

from __future__ import annotations

import logging
import warnings


def silence() -> None:
    """Silence pydicom, pynetdicom and highdicom for the rest of the process.

    Their messages and warnings quote datasets; the node itself says what users need to know.
    """
    for name in ("pydicom", "pynetdicom", "highdicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        warnings.filterwarnings("ignore", module=name)
