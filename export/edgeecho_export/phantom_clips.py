"""Clips of phantoms to compare engines with PyTorch on, where there is no data set."""

from __future__ import annotations

import numpy as np

from edgeecho.dataset.reference import ReferenceClips
from edgeecho.preprocess import PreprocessSpec
from edgeecho_export.reference_clips import SelectedClips
from edgeecho_train.phantom.population import SHORTEST_CLIP, PhantomRecipe, draw_phantom
from edgeecho_train.phantom.render import render

_SEED = 21


def phantom_clips(spec: PreprocessSpec, n: int) -> SelectedClips:
    """One clip of each of `n` phantoms, the same in every call.

    They are no patients, and a network that was trained on patients gives them no meaningful EF. An
    engine has to give them PyTorch's.
    """
    recipe = PhantomRecipe(_SEED, "echonet", max(spec.window, SHORTEST_CLIP))
    clips, efs = [], []
    for index in range(n):
        phantom, rng = draw_phantom(recipe, index)
        grey = render(phantom, rng).frames[: spec.window : spec.period]
        clips.append(np.repeat(grey[..., None], 3, axis=-1))
        efs.append(phantom.ef)
    return SelectedClips(
        ReferenceClips(np.stack(clips), np.array(efs, np.float32)),
        f"{n} synthetic phantoms, never patients (seed {_SEED})",
    )
