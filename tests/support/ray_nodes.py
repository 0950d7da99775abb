"""A Ray of several nodes as processes on this machine, on loopback: a program of its own, since
Ray forks.

    python ray_nodes.py FOLDER NODES

It prints the address, and then obeys lines: `add` another node with a core, `lose` one, killed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ENV = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}


class Nodes:
    """That program, seen by a test."""

    def __init__(self, folder: Path, nodes: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(folder), str(nodes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ENV},
            text=True,
        )
        self.address = self._told()

    def add(self) -> None:
        """Another node joins."""
        self._say("add")

    def lose(self) -> None:
        """A node is killed."""
        self._say("lose")

    def end(self) -> None:
        """All nodes go."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(60)
        finally:
            self._process.kill()

    def _say(self, what: str) -> None:
        assert self._process.stdin is not None
        print(what, file=self._process.stdin, flush=True)
        assert self._told() == what

    def _told(self) -> str:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith("told "):  # beside what Ray prints
                return line.removeprefix("told ").strip()
        raise AssertionError("the nodes did not start")


def main(folder: str, nodes: int) -> None:
    """Start a head without cores and the nodes, and obey."""
    os.environ.update(_ENV)
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "temp_dir": folder}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(nodes):
        cluster.add_node(num_cpus=1)
    print(f"told {cluster.address}", flush=True)
    for line in sys.stdin:
        if line == "add\n":
            cluster.add_node(num_cpus=1)
        else:
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        print(f"told {line}", end="", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
