"""Variational autoencoders: every image is a small cloud of codes, and all clouds fill one ball."""

import math
from itertools import pairwise

from .. import functional as F
from .. import nn
from ..autograd import Tensor, no_grad
from ..data import one_hot
from ._given import labels_of, need


class VAE(nn.Module):
    """Images x from codes z ~ N(0, 1), learnt through q(z | x) = N(mean, exp(log_variance)).

    ``encoder`` maps images to (N, 2 latent), means beside log variances; ``decoder`` maps codes
    (N, latent) to the logits of images, whose pixels are from 0 to 1. With labels both take them as
    their second argument. The loss is the evidence lower bound, negated, in nats an image (Kingma
    and Welling, 2014, equation 10), its divergence weighted by ``beta`` (Higgins et al., 2017):

    E -log p(x | z) + beta KL(q(z | x) || N(0, 1))

    >>> encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    >>> decoder = nn.Sequential(nn.Linear(2, 64), nn.Unflatten(1, (1, 8, 8)))
    >>> vae = VAE(encoder, decoder, latent=2)
    >>> vae.sample(100, rng=numpy.random.default_rng(0)).shape
    (100, 1, 8, 8)
    """

    def __init__(self, encoder, decoder, latent, beta=1.0):
        self.encoder = encoder
        self.decoder = decoder
        self.latent = latent
        self.beta = beta

    def compile(self, optimizer="adam"):
        """With Adam, unless ``optimizer`` says otherwise."""
        super().compile(optimizer)

    def encode(self, x, *labels):
        """Mean and log variance of q(z | x), each (N, latent)."""
        both = self.encoder(x, *labels)
        return both[:, : self.latent], both[:, self.latent :]

    def forward(self, x, *labels):
        """The logits of the images that a draw of each code decodes to; mean and log variance."""
        mean, log_variance = self.encode(x, *labels)
        z = F.reparameterize(mean, log_variance)
        return self.decoder(z, *labels), mean, log_variance

    def test_step(self, x, *labels):
        """The loss and its two terms, means over images."""
        logits, mean, log_variance = self(x, *labels)
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        kl = kl_divergence(mean, log_variance).mean()
        return {"loss": reconstruction + self.beta * kl, "reconstruction": reconstruction, "kl": kl}

    def train_step(self, optimizer, x, *labels):
        losses = self.test_step(x, *labels)
        optimizer.minimize(losses["loss"])
        return losses

    @no_grad()
    def codes(self, x, *labels):
        """The means of q(z | x) as an array (N, latent)."""
        with nn.evaluating(self):
            return self.encode(Tensor(x), *labels)[0].data

    @no_grad()
    def images(self, z, *labels):
        """What codes (N, latent) decode to, as an array."""
        with nn.evaluating(self):
            return F.sigmoid(self.decoder(Tensor(z), *labels)).data

    def sample(self, count, *labels, rng):
        """``count`` images of codes from the NumPy generator ``rng``, as an array."""
        dtype = self.parameters()[0].dtype
        return self.images(rng.standard_normal((count, self.latent), dtype), *labels)


def kl_divergence(mean, log_variance):
    """KL(N(mean, exp(log_variance)) || N(0, 1)) of codes (N, latent), in nats, (N,)."""
    return 0.5 * (mean**2 + F.exp(log_variance) - log_variance - 1).sum(axis=1)


class DenseVAE(VAE):
    """A :class:`VAE` of images of one ``shape``, with hidden layers of those widths either way."""

    def __init__(self, shape, latent=2, hidden=(256, 256), beta=1.0):
        pixels = math.prod(shape)
        encoder = nn.Sequential(nn.Flatten(), *_dense(pixels, *hidden, 2 * latent))
        decoder = nn.Sequential(*_dense(latent, *hidden[::-1], pixels), nn.Unflatten(1, shape))
        super().__init__(encoder, decoder, latent, beta)


class ConditionalVAE(VAE):
    """A :class:`DenseVAE` both networks of which are told the label, one of ``classes``.

    What the label says need not be in the code, which is left with style (Sohn et al., 2015).

    >>> vae = ConditionalVAE(10, (1, 8, 8))
    >>> vae.sample(3, [4, 0, 4], rng=numpy.random.default_rng(0)).shape
    (3, 1, 8, 8)
    """

    def __init__(self, classes, shape, latent=2, hidden=(256, 256), beta=1.0):
        pixels = math.prod(shape)
        encoder = Told(classes, nn.Sequential(*_dense(pixels + classes, *hidden, 2 * latent)))
        decoder = _dense(latent + classes, *hidden[::-1], pixels)
        decoder = Told(classes, nn.Sequential(*decoder, nn.Unflatten(1, shape)))
        super().__init__(encoder, decoder, latent, beta)
        self.classes = classes


class Told(nn.Module):
    """A network of flat rows and, beside them, the one-hot codes of their labels (N,)."""

    def __init__(self, classes, network):
        self.classes = classes
        self.network = network

    def forward(self, x, labels):
        told = one_hot(labels_of(self, labels, len(x)), self.classes, x.dtype)
        return self.network(F.concatenate([F.flatten(x, 1), Tensor(told)], axis=1))


class ConvVAE(VAE):
    """A :class:`VAE` of strided convolutions down and transposed ones up.

    Each of ``widths`` channels halves the image; its edges must be multiples of as many twos.

    >>> ConvVAE((1, 28, 28)).sample(5, rng=numpy.random.default_rng(0)).shape
    (5, 1, 28, 28)
    """

    def __init__(self, shape, latent=32, widths=(32, 64), beta=1.0):
        channels, height, width = shape
        halved = 2 ** len(widths)
        if height % halved or width % halved:
            raise ValueError(
                f"ConvVAE: images of {height}x{width} cannot be halved {len(widths)} times; "
                f"their edges must be multiples of {halved}"
            )
        inner = (widths[-1], height // halved, width // halved)
        ways = list(zip((channels, *widths), widths))
        encoder, decoder = nn.Sequential(), nn.Sequential()
        for few, many in ways:
            encoder.add(nn.Conv2d(few, many, 4, stride=2, padding=1)).add(nn.ReLU())
        encoder.add(nn.Flatten()).add(nn.Linear(math.prod(inner), 2 * latent))
        decoder.add(nn.Linear(latent, math.prod(inner))).add(nn.Unflatten(1, inner))
        for few, many in reversed(ways):
            decoder.add(nn.ReLU()).add(nn.ConvTranspose2d(many, few, 4, stride=2, padding=1))
        super().__init__(encoder, decoder, latent, beta)
        self.shape = tuple(shape)

    def encode(self, x):
        need(self, x, *self.shape)
        return super().encode(x)


def _dense(*sizes):
    """Linear layers from each size to the next, ReLU between them."""
    layers = [layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), nn.ReLU())]
    return layers[:-1]
