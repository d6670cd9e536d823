"""Conditional variational autoencoder: images of the class that is asked for."""

import numpy as np

from ... import viz
from ...data import image_folder
from ...data.datasets import digits
from ...models import ConditionalVAE

EPOCHS, BATCH_SIZE = 80, 64


def data(folder, size):
    """The 1,797 digits, or the images of a folder, whose subfolders are the classes."""
    return digits() if folder is None else image_folder(folder, size or 32)


def model(x, y):
    made = ConditionalVAE(int(y.max()) + 1, x.shape[1:], latent=8)
    made.compile()
    return made


def show(model, data, path, count, rng):
    """A column for each class."""
    classes = model.encoder.classes
    labels = np.arange(count) % classes
    made = model.sample(count, labels, rng=rng)
    viz.images(made, columns=classes if 1 < classes <= 16 else None, path=path)
