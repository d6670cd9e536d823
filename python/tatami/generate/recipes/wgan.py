"""A Wasserstein GAN with gradient penalty: digits of 16x16, or images like your own."""

from ... import viz
from ...models import WGAN
from ._images import images

EPOCHS, BATCH_SIZE = 20, 160


def data(folder, size):
    """The digits at twice their size, or the images of a folder."""
    return images(folder, size)[:1]


def model(x):
    made = WGAN(x.shape[-1], x.shape[1], width=32)
    made.compile()
    return made


def show(model, data, path, count, rng):
    viz.images(model.sample(count, rng=rng), path=path)
