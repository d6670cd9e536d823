"""pix2pix: edges become photographs."""

from functools import partial

import numpy as np

from ... import optim
from ...data import image_folder
from ...models import Pix2Pix
from ..subjects import photos

EPOCHS, BATCH_SIZE = 16, 4
SIZE = 64
NAMES = ("chelsea", "coffee", "hubble_deep_field", "ihc", "retina")
HELD_OUT = (0.4, 0.7)  # from where to where in the photographs' width

# The paper's optimizer at five times its rate: these networks are small, and so is their time.
ADAM = partial(optim.Adam, lr=1e-3, betas=(0.5, 0.999))


def data(folder, size):
    """Edges (N, 1, H, W) of photographs (N, 3, H, W), of 64 pixels or a multiple."""
    if folder is None:
        left, right = HELD_OUT
        seen = [patches(share) for share in ((0, left), (right, 1))]
        y = np.concatenate(seen)
    else:
        y = image_folder(folder, size or SIZE).x
    y = photos.mirrored(y)
    return photos.edges(y), y


def patches(share):
    return photos.photographs(NAMES, SIZE, stride=SIZE // 2, share=share)


def held_out():
    """Edges and photographs from a strip that no patch of :func:`data` has a pixel of."""
    y = patches(HELD_OUT)
    return photos.edges(y), y


def model(x, y):
    made = Pix2Pix(1, 3, width=16, depth=6, layers=1)
    made.compile({"generator": ADAM, "discriminator": ADAM})
    return made


def show(model, data, path, count, rng):
    """Some of the images, from above: edges, what the model makes of them, the photograph."""
    x, y = data()
    rows = rng.permutation(len(x))[:count]
    photos.columns(x[rows], model.translate(x[rows]), y[rows], path=path)
