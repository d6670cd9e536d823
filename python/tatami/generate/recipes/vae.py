"""Convolutional variational autoencoder: images of codes drawn from a Gaussian."""

from statistics import NormalDist

import numpy as np

from ... import viz
from ...data import image_folder
from ...data.datasets import digits
from ...models import ConvVAE

EPOCHS, BATCH_SIZE = 80, 64


def data(folder, size):
    """The 1,797 digits, or the images of a folder, of edges that two halvings divide."""
    return (digits().x if folder is None else image_folder(folder, size or 32).x,)


def model(x):
    made = ConvVAE(x.shape[1:], latent=8 if x.shape[-1] < 16 else 32)
    made.compile()
    return made


def show(model, data, path, count, rng):
    """Of drawn codes; in ``map.png`` beside it, of the two codes that tell images apart most."""
    viz.images(model.sample(count, rng=rng), path=path)
    (x,) = data()
    telling = model.codes(x[rng.permutation(len(x))[:500]]).var(axis=0).argsort()[::-1][:2]
    plane = np.eye(model.latent)[telling]
    viz.images(chart(model, 16, plane), columns=16, path=path.with_name("map.png"))


def chart(model, steps, plane):
    """Images at places of equal probability in the ``plane`` of two codes (2, latent): a map."""
    places = [NormalDist().inv_cdf((k + 0.5) / steps) for k in range(steps)]
    at = np.array([(across, up) for up in places[::-1] for across in places])
    return model.images((at @ plane).astype(np.float32))
