"""One-shot avatars: a drawn face, seen once, in any pose."""

import numpy as np

from ... import viz
from ...models import Avatar
from ..subjects import faces

EPOCHS, BATCH_SIZE = 24, 16
PEOPLE = 512
LEARNING_SEED, HELD_OUT_SEED = 0, 1  # of who is drawn


def pairs(count, seed):
    """(image, its points, points of another pose) and the image in that pose, of as many people."""
    rng = np.random.default_rng(seed)
    who = faces.people(count, rng)
    first, second = faces.poses(count, rng), faces.poses(count, rng)
    x = faces.draw(who, first), faces.points(who, first), faces.points(who, second)
    return x, faces.draw(who, second)


def data(folder, size):
    """Faces that are drawn here: key points come with them."""
    if folder is not None:
        raise ValueError("avatar learns from faces that it draws; it takes no folder (--data)")
    return pairs(PEOPLE, LEARNING_SEED)


def model(x, y):
    made = Avatar(points=faces.POINTS, size=y.shape[-1])
    made.compile()
    return made


def show(model, data, path, count, rng):
    """People who were never seen before, each above: the pose, and them in it."""
    count = min(count, 12)
    x, y = pairs(count, HELD_OUT_SEED + int(rng.integers(1 << 20)))
    made = model.frame(model.meet(*x[:2]), x[2])
    viz.images(np.concatenate([x[0], y, made]), columns=count, path=path)
