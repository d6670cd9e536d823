"""What ``tatami generate`` can train, one file a model.

A recipe is a module: its first line says what it makes, ``EPOCHS`` and ``BATCH_SIZE`` how it is
trained. ``data(folder, size)`` gives the arrays for ``fit``, from the user's folder or, where that
is None, from what libraries bring along; ``model(*data)`` the compiled model; ``show(model, data,
path, count, rng)`` makes ``count`` samples and writes the picture, and what else there is beside
it. Only what ``data()`` returns there is loaded, so a recipe that needs none to show samples does
not call it.
"""

from importlib import import_module

NAMES = (
    "autoencoder",
    "vae",
    "cvae",
    "gan",
    "dcgan",
    "cgan",
    "wgan",
    "unet",
    "pix2pix",
    "wavenet",
    "diffusion",
    "avatar",
)


def recipe(name):
    """The module of that name."""
    return import_module(f"{__name__}.{name}")


def about(name):
    """The first line of a recipe's text."""
    return recipe(name).__doc__.split("\n")[0]
