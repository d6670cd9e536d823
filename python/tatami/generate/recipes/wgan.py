"""A Wasserstein GAN with gradient penalty: digits of 16x16, or images like your own."""

from ...models import WGAN
from . import _images

EPOCHS, BATCH_SIZE = 20, 160
data, show = _images.unlabelled, _images.show


def model(x):
    made = WGAN(x.shape[-1], x.shape[1], width=32)
    made.compile()
    return made
