"""A conditional GAN: a digit, or an image of a class of your own, as it is asked for."""

import numpy as np

from ... import viz
from ...models import ConditionalGAN
from ._images import images

EPOCHS, BATCH_SIZE = 8, 32


def data(folder, size):
    """The digits at twice their size, or a folder's images; its subfolders are classes."""
    return images(folder, size)


def model(x, y):
    made = ConditionalGAN(int(y.max()) + 1, x.shape[-1], x.shape[1], width=32)
    made.compile()
    return made


def show(model, data, path, count, rng):
    """A column for each class."""
    classes = model.classes
    made = model.sample(count, np.arange(count) % classes, rng=rng)
    viz.images(made, columns=classes if 1 < classes <= 16 else None, path=path)
