"""How each precision is made and checked: a module for each row of the table.

A new precision is a module here, with its `RECIPE`, and a row in `edgeecho.common.precisions`. A
second one that is calibrated also needs room in the manifest, which describes one calibration.
"""

from importlib import import_module

from edgeecho_export.recipes.base import ExportRecipe


def find_recipe(precision: str) -> ExportRecipe:
    """The recipe of a precision."""
    recipe: ExportRecipe = import_module(f"{__name__}.{precision}").RECIPE
    return recipe
