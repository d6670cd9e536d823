"""What several recipes have in common: images of the sizes of DCGAN's networks, and samples."""

import numpy as np

from ... import kernels as K
from ... import viz
from ...data import image_folder
from ...data.datasets import digits


def images(folder, size):
    """The digits, doubled and moved, or a folder's images (of 64x64); and their classes."""
    if folder is None:
        x, y = digits()
        return moved(doubled(x), y)
    found = image_folder(folder, size or 64)
    return found.x, found.y


def unlabelled(folder, size):
    """The :func:`images` alone."""
    return images(folder, size)[:1]


def doubled(x):
    """Images at twice their size."""
    return K.upsample2d(x, 2, "bilinear")


def moved(x, y):
    """Each image in nine places, up to a pixel apart, and its label.

    So few images as the digits are a discriminator learns by heart, until it always wins.
    """
    height, width = x.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    places = [x[:, :, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return np.concatenate(places), np.tile(y, 9)


def show(model, data, path, count, rng):
    viz.images(model.sample(count, rng=rng), path=path)


def show_classes(model, data, path, count, rng):
    """A column for each class."""
    classes = model.classes
    made = model.sample(count, np.arange(count) % classes, rng=rng)
    viz.images(made, columns=classes if 1 < classes <= 16 else None, path=path)
