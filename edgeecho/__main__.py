"""`python -m edgeecho`: the same as `edgeecho`."""

from __future__ import annotations

from edgeecho.cli.app import main

# Processes that are started by spawning import this module too.
if __name__ == "__main__":
    main()
