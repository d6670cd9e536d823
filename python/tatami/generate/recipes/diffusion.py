"""Diffusion: digits out of noise, step by step, each of the class that is asked for."""

import numpy as np

from ... import viz
from ...data import image_folder
from ...data.datasets import digits
from ...models import Diffusion

EPOCHS, BATCH_SIZE = 60, 64
STEPS = 20  # from noise to a picture, where it is for looking at


def data(folder, size):
    """The 1,797 digits, or the images of a folder whose subfolders are classes."""
    found = digits() if folder is None else image_folder(folder, size or 16)
    return found.x, found.y


def model(x, y):
    size = x.shape[-1]
    made = Diffusion(x.shape[1], size, int(y.max()) + 1, levels=2 if size <= 16 else 3)
    made.compile()
    return made


def show(model, data, path, count, rng):
    """Classes side by side; in ``steps.png`` beside it, how ten of the samples came of noise."""
    columns = min(model.classes, 16) * max(1, 10 // model.classes)
    label = np.arange(count) % columns * model.classes // columns
    way = np.stack([*model.denoise(count, label, steps=STEPS, rng=rng)])
    viz.images(way[-1].clip(-1, 1) / 2 + 0.5, columns=columns, path=path)
    strips = way[::2, :10].swapaxes(0, 1)
    length = strips.shape[1]
    strips = strips.reshape(-1, *model.shape)
    viz.images(strips, columns=length, each=True, path=path.with_name("steps.png"))
