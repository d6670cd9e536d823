"""Autoencoders: networks that give back what they are given, through codes that are too small.

What the codes keep is what the data have in common: without activations it is what PCA keeps.
"""

import copy
from itertools import pairwise

import numpy as np

from .. import functional as F
from .. import nn
from ._given import need_multiples

_ACTIVATIONS = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


class Autoencoder(nn.Module):
    """Dense layers from ``sizes[0]`` numbers down to codes of ``sizes[-1]``, and up again.

    Trained to the least mean squared error of what comes back. ``activation`` (None, "relu",
    "tanh", ...) stands behind all layers but the codes and the last. Without any, the optimum spans
    the first principal axes of the data (Baldi and Hornik, 1989). With ``noise``, the standard
    deviation of what is added to the inputs while training, it learns to take noise away (Vincent
    et al., 2008).

    Rows of any shape come back in it; ``encoder`` and ``decoder`` are modules of their own.

    >>> model = Autoencoder((64, 32, 2))
    >>> x = np.zeros((5, 1, 8, 8), np.float32)
    >>> model.predict(x).shape, model.encoder.predict(x).shape
    ((5, 1, 8, 8), (5, 2))
    """

    def __init__(self, sizes, activation="relu", noise=0.0):
        self.corrupt = nn.GaussianNoise(noise)
        self.encoder = _ladder(_dense, sizes, activation)
        self.decoder = _ladder(_dense, sizes[::-1], activation)

    def forward(self, x):
        return self.decoder(self.encoder(x)).reshape(x.shape)

    def losses(self, x):
        """The ``"loss"`` of a batch, and its parts where it has several."""
        return {"loss": F.mse_loss(self(self.corrupt(x)), x)}

    def train_step(self, optimizer, x, y=None):
        losses = self.losses(x)
        optimizer.minimize(losses["loss"])
        return losses

    def test_step(self, x, y=None):
        return self.losses(x)

    def errors(self, x):
        """The mean squared error of each row, (N,): large for what the model has never seen."""
        return np.mean((self.predict(x, 256) - x) ** 2, axis=tuple(range(1, x.ndim)))

    def levels(self):
        """Autoencoders of one layer down and one up, made of this one's layers, outermost first."""
        depth = len(self.encoder)
        for k in range(depth):
            level = copy.copy(self)
            level.encoder = self.encoder[k : k + 1]
            level.decoder = self.decoder[depth - 1 - k : depth - k]
            yield level

    def pretrain(self, x, optimizer="adam", **how):
        """Train level after level, each on the codes of those before (Bengio et al., 2007).

        ``how`` goes to ``fit`` for every level. Returns their histories; ``fit`` then trains the
        whole.
        """
        histories = []
        for level in self.levels():
            level.compile(optimizer)
            histories.append(level.fit(x, **how))
            x = level.encoder.predict(x, 256)
        return histories


class SparseAutoencoder(Autoencoder):
    """An :class:`Autoencoder` of which few codes are active at a time; there may be many.

    Codes go through a sigmoid, and ``weight`` times :func:`rate_penalty` keeps their mean near
    ``rate``; with ``rate=None`` through ReLU, and ``weight`` times the sum of a row's codes, the
    L1 penalty, keeps them at zero.
    """

    def __init__(self, sizes, rate=0.05, weight=3e-3, noise=0.0):
        activation = "relu" if rate is None else "sigmoid"
        super().__init__(sizes, activation, noise)
        self.encoder[-1].add(_ACTIVATIONS[activation]())
        self.rate = rate
        self.weight = weight

    def losses(self, x):
        codes = self.encoder(self.corrupt(x))
        error = F.mse_loss(self.decoder(codes).reshape(x.shape), x)
        penalty = self.weight * self._penalty(codes)
        return {"loss": error + penalty, "error": error, "penalty": penalty}

    def _penalty(self, codes):
        if self.rate is None:
            return F.abs(codes).sum() / len(codes)
        return rate_penalty(codes, self.rate)


class ConvAutoencoder(Autoencoder):
    """An :class:`Autoencoder` of images (N, channels[0], H, W), each level half as high and wide.

    The encoder is made of strided convolutions, the decoder of transposed ones, all 4x4: codes are
    (N, channels[-1], H / 2^n, W / 2^n) after n levels.

    >>> model = ConvAutoencoder((1, 16, 32, 8))
    >>> model.encoder.predict(np.zeros((5, 1, 8, 8), np.float32)).shape
    (5, 8, 1, 1)
    """

    def __init__(self, channels, activation="relu", noise=0.0):
        self.corrupt = nn.GaussianNoise(noise)
        self.encoder = _ladder(_halving, channels, activation)
        self.decoder = _ladder(_doubling, channels[::-1], activation)

    def forward(self, x):
        need_multiples(self, x, 2 ** len(self.encoder))
        return super().forward(x)


def rate_penalty(codes, rate):
    """The sum over codes (N, K) from 0 to 1 of KL(rate || mean of the code), in nats.

    rate log(rate / mean) + (1 - rate) log((1 - rate) / (1 - mean)), zero where every code's mean
    over the batch is ``rate`` (Ng, 2011, section 3).
    """
    if not 0 < rate < 1:
        raise ValueError(f"rate_penalty: rate must lie between 0 and 1, not {rate}")
    mean = codes.mean(axis=0)
    entropy = -rate * np.log(rate) - (1 - rate) * np.log(1 - rate)
    cross = -rate * F.log(mean) - (1 - rate) * F.log(1 - mean)
    return (cross - float(entropy)).sum()


def _ladder(layer, sizes, activation):
    """``layer(a, b)`` from each size to the next, an activation behind all but the last."""
    if len(sizes) < 2:
        raise ValueError(f"an autoencoder needs two sizes or more, got {sizes}")
    if activation is not None and activation not in _ACTIVATIONS:
        known = ", ".join(_ACTIVATIONS)
        raise ValueError(f"activation must be None or one of {known}, not {activation!r}")
    blocks = [nn.Sequential(*layer(a, b)) for a, b in pairwise(sizes)]
    if activation is not None:
        for block in blocks[:-1]:
            block.add(_ACTIVATIONS[activation]())
    return nn.Sequential(blocks)


def _dense(a, b):
    return nn.Flatten(), nn.Linear(a, b)


def _halving(a, b):
    return (nn.Conv2d(a, b, 4, stride=2, padding=1),)


def _doubling(a, b):
    return (nn.ConvTranspose2d(a, b, 4, stride=2, padding=1),)
