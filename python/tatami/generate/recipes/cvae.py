"""Conditional variational autoencoder: images of the class that is asked for."""

from ...data import image_folder
from ...data.datasets import digits
from ...models import ConditionalVAE
from ._images import show_classes

EPOCHS, BATCH_SIZE = 80, 64
show = show_classes


def data(folder, size):
    """The 1,797 digits, or the images of a folder, whose subfolders are the classes."""
    return digits() if folder is None else image_folder(folder, size or 32)


def model(x, y):
    made = ConditionalVAE(int(y.max()) + 1, x.shape[1:], latent=8)
    made.compile()
    return made
