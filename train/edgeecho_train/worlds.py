"""The worlds of synthetic four-chamber videos that `edgeecho phantom` knows."""

from __future__ import annotations

from edgeecho_train.phantom.population import PhantomRecipe
from edgeecho_train.phantom.world import SyntheticVideo, World
from edgeecho_train.phantom.writer import PHANTOM
from edgeecho_train.speckle.rendering import SPECKLE


def _in_turn(recipe: PhantomRecipe, index: int) -> SyntheticVideo:
    return (PHANTOM, SPECKLE)[index % 2].video(recipe, index)


BOTH = World("edgeecho phantom --world both", _in_turn)

WORLDS = {"phantom": PHANTOM, "speckle": SPECKLE, "both": BOTH}
