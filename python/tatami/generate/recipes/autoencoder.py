"""Convolutional autoencoder: images through a few codes and back."""

import numpy as np

from ... import viz
from ...data import image_folder
from ...data.datasets import digits
from ...models import ConvAutoencoder

EPOCHS, BATCH_SIZE = 200, 32


def data(folder, size):
    """The 1,797 digits, or the images of a folder, of edges that three halvings divide."""
    if folder is None:
        return (digits().x,)
    size = size or 32
    if size % 8:
        raise ValueError(f"--size must be a multiple of 8 for three halvings, not {size}")
    return (image_folder(folder, size).x,)


def model(x):
    made = ConvAutoencoder((x.shape[1], 32, 64, 16))
    made.compile()
    return made


def show(model, data, path, count, rng):
    """Images, each above what comes back."""
    (x,) = data()
    x = x[rng.permutation(len(x))[:count]]
    line = np.full_like(x[:, :, :1], np.nan)  # blank
    pairs = [x, line, model.predict(x).clip(0, 1), line, line]
    viz.images(np.concatenate(pairs, axis=2), columns=16, path=path)
