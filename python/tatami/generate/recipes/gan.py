"""A GAN in the plane: points of noise become a ring of eight clouds."""

from functools import partial

import numpy as np

from ... import nn, optim, viz
from ...models import GAN

EPOCHS, BATCH_SIZE = 80, 512
LATENT, STEPS = 4, 2
SPREAD = 0.05  # of each cloud
CENTRES = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)


def data(folder, size):
    """8,192 points on the ring."""
    if folder is not None:
        raise ValueError("gan learns points of its own; dcgan and wgan learn images of a folder")
    return (ring(8192, np.random.default_rng(0)),)


def ring(count, rng):
    """Points (count, 2) about eight centres on a circle."""
    points = CENTRES[rng.integers(8, size=count)] + SPREAD * rng.standard_normal((count, 2))
    return points.astype(np.float32)


def model(x):
    made = GAN(_layers(LATENT, 2), _layers(2, 1), LATENT, STEPS)
    adam = partial(optim.Adam, lr=1e-3, betas=(0.5, 0.999))
    made.compile({"generator": adam, "discriminator": adam})
    return made


def _layers(inputs, outputs, width=128):
    layers = [nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def show(model, data, path, count, rng):
    """Made points over real ones."""
    with viz.style.axes(path=path, size=(4.6, 4.6)) as ax:
        scatter(ax, *data(), model.sample(max(count, 1000), rng=rng))


def scatter(ax, real, made):
    """Both clouds of points."""
    for points, label, colour in ((real, "data", viz.style.GREY), (made, "made", viz.style.ORANGE)):
        ax.plot(*points[:1000].T, ".", ms=3, alpha=0.5, color=colour, label=label)
    ax.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal")
    ax.legend(loc="upper right", markerscale=3, frameon=True, framealpha=0.8)
