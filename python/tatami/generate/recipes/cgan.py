"""A conditional GAN: a digit, or an image of a class of your own, as it is asked for."""

from ...models import ConditionalGAN
from . import _images

EPOCHS, BATCH_SIZE = 8, 32
data, show = _images.images, _images.show_classes


def model(x, y):
    made = ConditionalGAN(int(y.max()) + 1, x.shape[-1], x.shape[1], width=32)
    made.compile()
    return made
