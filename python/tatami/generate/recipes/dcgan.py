"""A deep convolutional GAN: digits of 16x16 out of noise, or images like your own."""

from ...models import DCGAN
from . import _images

EPOCHS, BATCH_SIZE = 5, 32
data, show = _images.unlabelled, _images.show


def model(x):
    made = DCGAN(x.shape[-1], x.shape[1], width=32)
    made.compile()
    return made
