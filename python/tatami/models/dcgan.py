"""Deep convolutional GANs: images from noise, and images of a kind from noise and a label."""

from itertools import pairwise

from .. import functional as F
from .. import nn
from ..autograd import Tensor
from ..data import one_hot
from ._given import labels_of, need
from .gan import GAN


class DCGAN(GAN):
    """Images (N, channels, size, size) from 0 to 1, for a size of 16, 32 or 64.

    The rules of Radford et al., 2016: transposed convolutions up and strided ones down, no dense
    hidden layers, batch norm but at the generator's output and the discriminator's input, ReLU
    with tanh last, leaky ReLU with sigmoid last, weights from N(0, 0.02), Adam of 2e-4 with
    beta 0.5. ``width`` is the number of channels at half the size, doubled with each halving;
    the paper's generator of 1024, 512, 256 and 128 channels has a width of 128.

    >>> gan = DCGAN(size=16, channels=1, width=32)
    >>> gan.compile()  # now fit it on images
    >>> gan.sample(5, rng=numpy.random.default_rng(0)).shape
    (5, 1, 16, 16)
    """

    def __init__(self, size=64, channels=3, latent=100, width=64, steps=1):
        generator = Generator(size, channels, latent, width)
        super().__init__(generator, Discriminator(size, channels, width), latent, steps)

    def logits(self, x):
        return self.discriminator.logits(x)


class ConditionalGAN(GAN):
    """A :class:`DCGAN` of ``classes``, both networks of which are told the label.

    The generator finds it beside its noise, the discriminator in planes beside the colours: 1 for
    the class, 0 for the others (Mirza and Osindero, 2014).

    >>> gan = ConditionalGAN(10, size=16, channels=1, width=32)
    >>> gan.compile()  # now fit it on images and labels
    >>> gan.sample(10, numpy.arange(10), rng=numpy.random.default_rng(0)).shape
    (10, 1, 16, 16)
    """

    def __init__(self, classes, size=64, channels=3, latent=100, width=64, steps=1):
        generator = Generator(size, channels, latent + classes, width)
        super().__init__(generator, Discriminator(size, channels + classes, width), latent, steps)
        self.classes = classes

    def generate(self, noise, labels):
        return self.generator(F.concatenate([noise, self._one_hot(labels, noise)], axis=1))

    def logits(self, x, labels):
        told = self._one_hot(labels, x)[:, :, None, None]
        planes = F.broadcast_to(told, (*told.shape[:2], *x.shape[2:]))
        return self.discriminator.logits(F.concatenate([x, planes], axis=1))

    def _one_hot(self, labels, like):
        labels = labels_of(self, labels, len(like))
        return Tensor(one_hot(labels, self.classes, like.dtype))


class Generator(nn.Module):
    """Noise (N, latent) to images (N, channels, size, size) from 0 to 1."""

    def __init__(self, size, channels, latent, width):
        widths = _widths(size, width)[::-1]
        self.main = nn.Sequential(nn.ConvTranspose2d(latent, widths[0], 4, bias=False))
        for many, few in zip(widths, [*widths[1:], channels]):
            self.main.add(nn.BatchNorm2d(many)).add(nn.ReLU()).add(_doubling(many, few))
        self.main.add(nn.Tanh())
        self.apply(_draw)

    def forward(self, noise):
        return 0.5 + 0.5 * self.main(noise[:, :, None, None])


class Discriminator(nn.Module):
    """Images (N, channels, size, size) from 0 to 1 to the probability (N, 1) that they are real."""

    def __init__(self, size, channels, width, norm=nn.BatchNorm2d):
        widths = _widths(size, width)
        self.size = size
        self.main = nn.Sequential(_halving(channels, widths[0]), nn.LeakyReLU(0.2))
        for few, many in pairwise(widths):
            self.main.add(_halving(few, many)).add(norm(many)).add(nn.LeakyReLU(0.2))
        self.main.add(nn.Conv2d(widths[-1], 1, 4, bias=False)).add(nn.Flatten())
        self.apply(_draw)

    def logits(self, x):
        """What the sigmoid, the last layer, is taken of."""
        need(self, x, "C", self.size, self.size)
        return self.main(2 * x - 1)

    def forward(self, x):
        return F.sigmoid(self.logits(x))


def _doubling(channels, width):
    return nn.ConvTranspose2d(channels, width, 4, stride=2, padding=1, bias=False)


def _halving(channels, width):
    return nn.Conv2d(channels, width, 4, stride=2, padding=1, bias=False)


def _draw(layer):
    """The weights of the paper; scales of batch norm vary as much about 1."""
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, 0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1, 0.02)


def _widths(size, width):
    """Channels at size / 2, size / 4, ..., 4."""
    if size not in (16, 32, 64):
        raise ValueError(f"size must be 16, 32 or 64, not {size}")
    return [width * 2**k for k in range((size // 4).bit_length() - 1)]
