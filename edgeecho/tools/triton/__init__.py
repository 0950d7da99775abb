"""A model repository for NVIDIA's Triton Inference Server: `edgeecho triton`.

config.py      `config.pbtxt` of each model
repository.py  the repository on disk
answering.py   runs in the server: reading, preprocessing, gates and interval; asks the networks
networks.py    runs in the server, where a backend of its own does not: the networks
"""

from edgeecho.tools.triton.config import BACKENDS
from edgeecho.tools.triton.repository import write_repository

__all__ = ["BACKENDS", "write_repository"]
