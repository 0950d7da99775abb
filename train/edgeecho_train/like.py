"""`--like`: the frames of another network, so that two networks of a bundle see the same ones."""

from __future__ import annotations

from pathlib import Path

from edgeecho.bundle import read_manifest
from edgeecho.common.files import sha256_file
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.checkpoint import load_checkpoint


def read_like(path: Path) -> tuple[PreprocessSpec, str]:
    """How an EF network is given its frames, and which one; `ModelError` where there is none.

    `path` is its checkpoint or its bundle: EchoNet-Dynamic's release stores no mean and std, and
    the bundle made of it does.
    """
    if path.is_dir():
        manifest = path / "manifest.json"
        return read_manifest(path).preprocess, f"sha256:{sha256_file(manifest)}"
    spec = PreprocessSpec.from_dict(load_checkpoint(path).get("preprocess", {}))
    return spec, f"sha256:{sha256_file(path)}"
