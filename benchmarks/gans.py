"""GANs on a ring of points and on digits: what generative.py measures of them."""

from functools import cache, partial

import numpy as np

import tatami
from tatami.examples import _samples
from tatami.examples.gan_ring import clouds
from tatami.generate import recipes
from tatami.generate.recipes._images import moved


def on_the_ring(made, losses):
    """1,000 points, and the discriminator's losses by epoch."""
    counts = clouds(made)
    numbers = {"clouds_hit": np.sum(counts >= 10), "inside_clouds": counts.sum() / 1000}
    return {**numbers, "least_d_loss": min(losses), "largest_d_loss": max(losses)}


def among_digits(name, made, losses, eye, real):
    """1,000 digits next to real ones; of a conditional GAN, which was asked for each in turn."""
    numbers = _samples.judged(eye, made, real)
    if name == "cgan":
        read = eye.probabilities(made).argmax(axis=1)
        numbers["agreement"] = np.mean(read == np.arange(1000) % 10)
    return {**numbers, "least_d_loss": min(losses), "largest_d_loss": max(losses)}


def trained(name, *data):
    """The recipe's model of the data after its epochs, and the discriminator's losses."""
    recipe = recipes.recipe(name)
    model = recipe.model(*data)
    how = {"batch_size": recipe.BATCH_SIZE, "epochs": recipe.EPOCHS, "verbose": 0}
    return model, model.fit(*data, **how).history["d_loss"]


def ring(seed):
    tatami.manual_seed(seed)
    model, losses = trained("gan", *recipes.recipe("gan").data(None, None))
    return on_the_ring(model.sample(1000, rng=np.random.default_rng(seed)), losses)


digits = cache(_samples.digits)


def of_digits(name, seed):
    x, y, real, eye = digits()
    tatami.manual_seed(seed)
    x, y = moved(x, y)
    asked = [np.arange(1000) % 10] if name == "cgan" else []
    model, losses = trained(name, x, *([y] if asked else []))
    made = model.sample(1000, *asked, rng=np.random.default_rng(seed))
    return among_digits(name, made, losses, eye, real)


FAMILIES = {"gan": ring, **{name: partial(of_digits, name) for name in ("dcgan", "cgan", "wgan")}}
