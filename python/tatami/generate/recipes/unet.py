"""U-Net: grey photographs get their colours back."""

from functools import partial

import numpy as np

from ... import optim
from ...data import image_folder
from ...models import UNet
from ..subjects import photos

EPOCHS, BATCH_SIZE = 12, 32


def data(folder, size):
    """Grey images (N, 1, H, W), and what their colours add to them (N, 3, H, W)."""
    if folder is None:
        x = photos.photographs(photos.TRAINING, 32, stride=24)
    else:
        x = image_folder(folder, size or 64).x
    x = lit(photos.mirrored(x), np.random.default_rng(0))
    return photos.grey(x), x - photos.grey(x)


def lit(x, rng):
    """Each image darker or brighter, by a power of its own: few photographs show every light."""
    return x ** np.exp(rng.uniform(-0.7, 0.7, (len(x), 1, 1, 1))).astype(x.dtype)


def model(x, y):
    made = UNet(1, 3, depth=3, width=8)
    made.compile(partial(optim.Adam, lr=2e-3), "l1")
    return made


def coloured(model, grey):
    """Grey images with the colours that the model adds."""
    return (grey + model.predict(grey)).clip(0, 1)


def show(model, data, path, count, rng):
    """Some of the images, from above: grey, as the model colours them, as they were."""
    x, y = data()
    rows = rng.permutation(len(x))[:count]
    photos.columns(x[rows], coloured(model, x[rows]), x[rows] + y[rows], path=path)
