"""A run's settings: which recipe, on which data."""

from functools import lru_cache
from pathlib import Path

from . import recipes


def loader(settings):
    """The function that gives the run's data, read when it is first called."""
    recipe = recipes.recipe(settings["recipe"])
    folder = settings["data"]
    return lru_cache(lambda: recipe.data(folder and Path(folder), settings["size"]))
