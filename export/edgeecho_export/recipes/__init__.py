"""One recipe for each row of the table of precisions.

A new precision is a module here, a row in `edgeecho.common.precisions`, and an option of `edgeecho
export` that asks for it.
"""

from collections.abc import Mapping

from edgeecho_export.recipes.base import ExportRecipe
from edgeecho_export.recipes.fp16 import Fp16
from edgeecho_export.recipes.fp32 import Fp32
from edgeecho_export.recipes.int8 import Int8

RECIPES: Mapping[str, ExportRecipe] = {recipe.name: recipe for recipe in (Fp32(), Fp16(), Int8())}
"""By precision, in the order in which they are made."""
