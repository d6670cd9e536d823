"""Samples and losses as pictures, renewed while a model learns."""

import os
import time

import numpy as np

from .. import nn, viz
from ..training import Callback

INTERVAL = 2.0  # seconds between two pictures
COUNT = 64  # samples on one


class Pictures(Callback):
    """Keeps ``samples.png``, always of the same noise, and ``losses.png`` in the folder."""

    def __init__(self, recipe, data, folder, seed):
        self.recipe = recipe
        self.data = data
        self.folder = folder
        self.seed = seed
        self.drawn = -INTERVAL

    def on_epoch_end(self, epoch, logs=None):
        if time.monotonic() - self.drawn > INTERVAL:
            self._draw()

    def on_train_end(self, logs=None):
        if not self.run.in_step:
            self._draw()

    def _draw(self):
        draw(self.recipe, self.model, self.data, self.folder / "samples.png", COUNT, self.seed)
        history = self.run.history.history
        if history:
            replaced(self.folder / "losses.png", lambda path: viz.history(history, path=path))
        self.drawn = time.monotonic()


def draw(recipe, model, data, path, count, seed):
    """The recipe's picture of ``count`` samples at ``path``."""
    rng = np.random.default_rng(seed)
    with nn.evaluating(model):
        replaced(path, lambda path: recipe.show(model, data, path, count, rng))


def replaced(path, write):
    """Whoever looks at ``path`` meanwhile sees the picture from before."""
    partial = path.with_name(f".{path.name}")
    write(partial)
    os.replace(partial, path)
