"""Convolutional variational autoencoder: images of codes drawn from a Gaussian."""

from ... import viz
from ...data import image_folder
from ...data.datasets import digits
from ...models import ConvVAE

EPOCHS, BATCH_SIZE = 80, 64


def data(folder, size):
    """The 1,797 digits, or the images of a folder, of edges that two halvings divide."""
    return (digits().x if folder is None else image_folder(folder, size or 32).x,)


def model(x):
    made = ConvVAE(x.shape[1:], latent=8 if x.shape[-1] < 16 else 32)
    made.compile()
    return made


def show(model, data, path, count, rng):
    viz.images(model.sample(count, rng=rng), path=path)
