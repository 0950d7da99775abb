"""The default state folder of this user."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edgeecho.common.errors import UsageError


def state_folder() -> Path:
    """Default folder for a user's jobs; it may not exist yet."""
    if given := os.environ.get("XDG_STATE_HOME"):
        return Path(given) / "edgeecho"
    try:
        home = Path.home()
    except RuntimeError as error:
        raise UsageError("this user has no home folder: give --state DIR") from error
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "edgeecho"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "edgeecho"
    return home / ".local" / "state" / "edgeecho"
