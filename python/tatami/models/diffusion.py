"""Denoising diffusion: pictures made of noise, a little less of it at every step.

Ho, Jain and Abbeel, Denoising Diffusion Probabilistic Models, 2020 (here DDPM); Song, Meng and
Ermon, Denoising Diffusion Implicit Models, 2021 (DDIM); Nichol and Dhariwal, Improved Denoising
Diffusion Probabilistic Models, 2021; Ho and Salimans, Classifier-Free Diffusion Guidance, 2022.

A picture x_0 turns into noise in T steps, x_t ~ N(sqrt(1 - b_t) x_{t-1}, b_t I). All of them at
once are x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise, where a_t is the product of 1 - b up to t. The
network learns to tell the noise; taking it away step by step turns noise into a picture.
"""

from functools import partial
from itertools import pairwise

import numpy as np

from .. import functional as F
from .. import kernels as K
from .. import nn, optim, random
from ..autograd import Tensor, no_grad
from ._given import labels_of, need

ADAM = partial(optim.Adam, lr=2e-3)  # ten times DDPM's rate, for a network much smaller


def cosine_schedule(steps):
    """a_0 to a_T of T ``steps``, (T + 1,): what is left of the picture's variance at each.

    cos^2((t/T + s) / (1 + s) pi/2), divided by its value at 0, where s = 0.008 and no b_t is
    larger than 0.999 (Nichol and Dhariwal, equation 17).
    """
    share = np.cos((np.arange(steps + 1) / steps + 0.008) / 1.008 * np.pi / 2) ** 2
    b = np.minimum(1 - share[1:] / share[:-1], 0.999)
    return np.concatenate([[1.0], np.cumprod(1 - b)])


def noisy(x, noise, a):
    """x_t of the pictures x_0: sqrt(a) x + sqrt(1 - a) noise (DDPM, equation 4)."""
    return np.sqrt(a) * x + np.sqrt(1 - a) * noise


def clean(x, noise, a):
    """x_0 of the noisy pictures x_t: what :func:`noisy` was given."""
    return (x - np.sqrt(1 - a) * noise) / np.sqrt(a)


def deviation(a, a_next, eta):
    """Of the noise that a step from a_t to a_next > a_t adds (DDIM, equation 16).

    ``eta=0`` adds none; ``eta=1`` has the variance of q(x_{t-1} | x_t, x_0), DDPM's.
    """
    return eta * np.sqrt((1 - a_next) / (1 - a) * (1 - a / a_next))


def less_noisy(x, picture, a, a_next, eta=0.0, fresh=0.0):
    """x at a_next, one step from ``x`` at a towards the ``picture`` x_0 (DDIM, equation 12).

    ``fresh`` is the noise that is added where ``eta`` is not 0.
    """
    noise = (x - np.sqrt(a) * picture) / np.sqrt(1 - a)
    sigma = deviation(a, a_next, eta)
    return np.sqrt(a_next) * picture + np.sqrt(1 - a_next - sigma**2) * noise + sigma * fresh


class Residual(nn.Module):
    """(N, C, H, W) to (N, D, H, W), given ``hint`` (N, E): the time and the class."""

    def __init__(self, channels, out_channels, hint):
        self.norm1 = nn.GroupNorm(8, channels)
        self.conv1 = nn.Conv2d(channels, out_channels, 3, padding=1)
        self.hint = nn.Linear(hint, out_channels)
        self.norm2 = nn.GroupNorm(8, out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        same = channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels, out_channels, 1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x, hint):
        y = self.conv1(F.silu(self.norm1(x)))
        y = y + self.hint(hint)[:, :, None, None]
        y = self.conv2(F.silu(self.norm2(y)))
        return self.shortcut(x) + y


class Denoiser(nn.Module):
    """A U-Net that tells the noise in x (N, C, H, W) from the steps t (N,) and the classes y (N,).

    Every level halves the edge, which 2^(levels - 1) must divide, and doubles the ``width``. Class
    ``classes`` stands for any of them.
    """

    def __init__(self, channels=1, classes=10, width=32, levels=2):
        widths = [width << k for k in range(levels)]
        hint = 4 * width
        self.width = width
        self.time = nn.Sequential(nn.Linear(width, hint), nn.SiLU(), nn.Linear(hint, hint))
        self.label = nn.Embedding(classes + 1, hint)
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.down = nn.ModuleList(
            Residual(before, after, hint) for before, after in zip([width, *widths], widths)
        )
        self.halve = nn.ModuleList(nn.Conv2d(w, w, 3, 2, 1) for w in widths[:-1])
        self.middle = Residual(widths[-1], widths[-1], hint)
        self.up = nn.ModuleList(
            Residual(below + w, w, hint) for below, w in zip([*widths[1:], widths[-1]], widths)
        )
        self.last = nn.Sequential(
            nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, channels, 3, padding=1)
        )
        nn.init.zeros_(self.last[-1].weight)

    def forward(self, x, t, y):
        hint = Tensor(waves(t, self.width).astype(x.dtype))
        hint = F.silu(self.time(hint) + self.label(y))
        h, skips = self.first(x), []
        for k, block in enumerate(self.down):
            h = self.halve[k - 1](h) if k else h
            h = block(h, hint)
            skips.append(h)
        h = self.middle(h, hint)
        for k in reversed(range(len(self.up))):
            h = self.up[k](F.concatenate([h, skips[k]], 1), hint)
            h = F.upsample2d(h, 2) if k else h
        return self.last(h)


def waves(t, width):
    """The steps t (N,) as sines and cosines (N, width) of wavelengths from 2 pi to 20,000 pi.

    The positions of Vaswani et al. (Attention Is All You Need, 2017, section 3.5).
    """
    slow = 10000.0 ** -(np.arange(width // 2) / (width // 2))
    angle = np.asarray(t)[:, None] * slow
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)


class Diffusion(nn.Module):
    """Makes images (N, channels, size, size) from 0 to 1, of the class that is asked for.

    It is trained on images and, where there are ``classes``, labels, of which the share ``drop`` is
    withheld, so that one network tells the noise with and without knowing the class. ``average``
    follows the weights of ``network`` and makes the samples; its decay grows to ``decay``.

    >>> model = Diffusion(channels=1, size=8, classes=10)
    >>> model.compile()
    >>> model.sample(3, [7, 7, 1], steps=10, rng=numpy.random.default_rng(0)).shape
    (3, 1, 8, 8)
    """

    def __init__(
        self, channels=1, size=8, classes=10, width=32, levels=2, steps=1000, drop=0.1, decay=0.999
    ):
        if size % 2 ** (levels - 1):
            raise ValueError(f"Diffusion: size {size} cannot be halved {levels - 1} times")
        self.shape = (channels, size, size)
        self.classes = classes
        self.drop = drop
        self.decay = decay
        self.network = Denoiser(channels, classes, width, levels)
        self.average = Denoiser(channels, classes, width, levels).requires_grad_(False)
        self.follows = self.average.parameters(), self.network.parameters()
        self.updates = nn.Buffer(np.zeros(1, np.int64))
        self.a = cosine_schedule(steps)

    def compile(self, optimizer=ADAM):
        super().compile(optimizer)

    # Training

    def train_step(self, optimizer, x, y=None):
        """One step down from the mean squared error of the noise (DDPM, equation 14)."""
        loss = self._loss(self.network, x, y, random.generator(), self.drop)
        optimizer.minimize(loss)
        self._follow()
        return {"loss": loss}

    def test_step(self, x, y=None):
        """The error of the averaged network, with the same noise every time."""
        return {"loss": self._loss(self.average, x, y, np.random.default_rng(0), 0.0)}

    def _loss(self, network, x, y, rng, drop):
        need(self, x, *self.shape)
        y = self._labels(len(x), y)
        y = np.where(rng.random(len(x)) < drop, self.classes, y)
        t = rng.integers(1, len(self.a), len(x))
        noise = rng.standard_normal(x.shape, x.dtype)
        a = self.a[t].reshape(-1, 1, 1, 1).astype(x.dtype)
        told = network(Tensor(noisy(2 * x.data - 1, noise, a)), t, y)
        return F.mse_loss(told, Tensor(noise))

    def _follow(self):
        """The average moves towards the weights, the first time all the way."""
        n = self.updates.item()
        averages, weights = self.follows
        decay = min(self.decay, n / (n + 10))
        K.ema_step([p.data for p in averages], [p.data for p in weights], decay=decay)
        for p in averages:
            p.bump()
        self.updates.data += 1

    def _labels(self, count, label):
        """Of every row the class; no ``label`` is the class that stands for any."""
        return labels_of(self, self.classes if label is None else label, count)

    # Samples

    def sample(self, count, label=None, *, steps=25, guidance=1.5, eta=0.0, rng):
        """``count`` images (N, C, H, W); see :meth:`denoise`."""
        *_, x = self.denoise(count, label, steps=steps, guidance=guidance, eta=eta, rng=rng)
        return (x.clip(-1, 1) + 1) / 2

    def denoise(self, count, label=None, *, steps=25, guidance=1.5, eta=0.0, rng):
        """Yields x (N, C, H, W) from -1 to 1 as it turns from noise into images in ``steps``.

        ``label`` is a class, or one for every image; without it any comes. ``rng`` alone decides
        with ``eta=0`` (DDIM) before the first step; with ``eta=1`` noise is added at every step,
        which for as many steps as in training is DDPM.
        """
        if not 1 <= steps < len(self.a):
            raise ValueError(
                f"Diffusion: steps must be 1 to {len(self.a) - 1}, those of training, not {steps}"
            )
        if not 0 <= eta <= 1:
            raise ValueError(f"Diffusion: eta must be 0 to 1, not {eta}")
        y = self._labels(count, label)
        x = rng.standard_normal((count, *self.shape), self.average.first.weight.dtype)
        yield x
        times = np.linspace(len(self.a) - 1, 0, steps + 1).round().astype(int)
        for t, after in pairwise(times):
            a, a_next = self.a[t].astype(x.dtype), self.a[after].astype(x.dtype)
            picture = clean(x, self.noise(x, t, y, guidance), a).clip(-1, 1)
            fresh = rng.standard_normal(x.shape, x.dtype) if eta else 0
            x = less_noisy(x, picture, a, a_next, eta, fresh)
            yield x

    @no_grad()
    def noise(self, x, t, y, guidance=1.0):
        """The noise told in x at step t, for classes y (N,), by the averaged weights.

        noise(any) + guidance (noise(y) - noise(any)): without regard to the class for 0, as it was
        learnt for 1, with more of the class beyond. (Ho and Salimans count from 1: w = guidance -
        1.)
        """
        t, y = np.full(len(x), t), self._labels(len(x), y)
        if guidance == 1:
            return self.average(Tensor(x), t, y).data
        free = self.average(Tensor(x), t, self._labels(len(x), None)).data
        if guidance == 0:
            return free
        return free + guidance * (self.average(Tensor(x), t, y).data - free)
