"""U-Net: what is where in a picture, and in which colours.

A network that halves an image again and again learns what is in it but forgets where; one that
never does knows where but not what. A U-Net goes down and up again and passes the fine levels
across. Here one finds grass in pictures that are grass, gravel and brick, all equally bright, where
no threshold can. Another gives grey photographs their colours back; it has never seen the two that
it is judged by; what it is not sure of, it leaves grey.
"""

from functools import partial

import numpy as np

from tatami import manual_seed, models, optim, viz
from tatami.data.datasets import photo
from tatami.examples import main
from tatami.generate.recipes import unet as recipe
from tatami.generate.subjects import photos


def mosaics(count, share, rng, size=48):
    """Ellipses of grass on gravel or brick (N, 1, size, size), and masks of where the grass is.

    ``share`` is the part of the photographs' width that they are cut from. Each texture has the
    same mean and deviation.
    """
    found = [photo(name)[0] for name in ("grass", "gravel", "brick")]
    textures = [t[:, slice(*(round(end * t.shape[1]) for end in share))] for t in found]
    place = np.linspace(-1, 1, size)

    def piece(texture):
        top, left = (rng.integers(n - size + 1) for n in texture.shape)
        cut = texture[top : top + size, left : left + size]
        return 0.5 + 0.2 * (cut - cut.mean()) / cut.std()

    def ellipse():
        (y, x), (height, width) = rng.uniform(-0.5, 0.5, 2), rng.uniform(0.4, 0.8, 2)
        return ((place[:, None] - y) / height) ** 2 + ((place - x) / width) ** 2 < 1

    masks = np.stack([ellipse() for _ in range(count)])[:, None]
    below = [piece(textures[rng.integers(1, 3)]) for _ in masks]
    x = np.where(masks, [[piece(textures[0])] for _ in masks], np.stack(below)[:, None])
    return x.astype(np.float32), masks


def overlap(found, masks):
    """Intersection over union of masks (N, 1, H, W), the mean over images."""
    both, either = (f(found, masks).sum(axis=(1, 2, 3)) for f in (np.logical_and, np.logical_or))
    return np.mean(both / either)


def otsu(x):
    """Each image above its threshold by Otsu (1979)."""
    from skimage.filters import threshold_otsu

    return np.stack([image > threshold_otsu(image) for image in x])


def grass(count=400):
    """Mosaics to learn from, and 100 from other parts of the photographs: (x, masks) of both."""
    rng = np.random.default_rng(0)
    return mosaics(count, (0, 0.6), rng), mosaics(100, (0.6, 1), rng)


def segmenting(x, masks, epochs=20, seed=0):
    """A U-Net that learnt where the grass is."""
    manual_seed(seed)
    model = models.UNet(1, 1, depth=3, width=8)
    model.compile(partial(optim.Adam, lr=3e-3), "binary_cross_entropy_with_logits")
    model.fit(x, masks.astype(x.dtype), 16, epochs, verbose=0)
    return model


def colouring(x, added, seed=0):
    """A U-Net that learnt what to add to grey images, by its recipe."""
    manual_seed(seed)
    model = recipe.model(x, added)
    model.fit(x, added, recipe.BATCH_SIZE, recipe.EPOCHS, verbose=0)
    return model


def held_out():
    """The photographs that no network has learnt from."""
    return [photos.shrunk(photo(name))[None] for name in photos.HELD_OUT]


def run(out, quick=False):
    train, (x, masks) = grass(160 if quick else 400)
    found = segmenting(*train, epochs=8 if quick else 20).predict(x) > 0
    guesses = {"all of it": np.ones_like(masks), "threshold": otsu(x), "U-Net": found}
    overlaps = {name: overlap(guess, masks) for name, guess in guesses.items()}
    print("grass found, intersection over union")
    for name, value in overlaps.items():
        print(f"  {name:<18}{value:10.2f}")

    grey, added = (part[:: 8 if quick else 1] for part in recipe.data(None, None))
    tint = added.mean(axis=(0, 2, 3), keepdims=True)
    model = colouring(grey, added)
    ways = {
        "grey": lambda x: x,
        "blurred grey": photos.blurred,
        "one tint for all": lambda x: x + tint,
        "U-Net": partial(recipe.coloured, model),
    }
    real, names = held_out(), photos.HELD_OUT
    print(f"{'mean absolute error':<20}" + "".join(f"{name:>10}" for name in names))
    errors = {}
    for name, way in ways.items():
        errors[name] = [np.abs(way(photos.grey(x)) - x).mean() for x in real]
        print(f"  {name:<18}" + "".join(f"{error:10.4f}" for error in errors[name]))

    with viz.panels(3, size=(2.7, 3.6), path=out / "unet.png") as axes:
        parts = [part[:4] for part in (x, guesses["threshold"], found, masks)]
        title = "grass by brightness, by U-Net, as it is"
        photos.columns(*parts, title=title, ax=axes[0])
        for name, image, ax in zip(names, real, axes[1:]):
            before = np.broadcast_to(photos.grey(image), image.shape)
            rows = np.concatenate([before, recipe.coloured(model, photos.grey(image)), image])
            viz.images(rows, columns=1, title=f"{name}: grey, coloured, real", ax=ax)
    return {"overlap": overlaps, "error": errors}


if __name__ == "__main__":
    main(run)
