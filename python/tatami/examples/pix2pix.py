"""pix2pix: edges become photographs, and a critic makes them sharp.

Where the edges do not tell what was there, the least mean error is the mean of all that could have
been: a blur. A second network, which sees patches of made and of real photographs beside their
edges and learns to tell them apart, does not let a blur pass. The same generator learns here twice,
from the mean error alone and with the critic. A strip in the middle of every photograph is held
out.
"""

import numpy as np

from tatami import manual_seed, viz
from tatami.examples import main
from tatami.generate.recipes import pix2pix as recipe
from tatami.generate.subjects import photos

BINS = np.geomspace(1e-3, 1, 31)


def steepness(x):
    """How much colours (N, 3, H, W) change from a pixel to the next: a length for each."""
    down, right = x[..., 1:, :-1] - x[..., :-1, :-1], x[..., :-1, 1:] - x[..., :-1, :-1]
    return np.hypot(down, right)


def histogram(x):
    """The shares of pixels and colours whose steepness lies between two of ``BINS``."""
    steep = steepness(x)
    return np.histogram(steep.clip(BINS[0], BINS[-1]), BINS)[0] / steep.size


def judged(made, real):
    """How far off, how steep next to the real, and how much of the histograms differs."""
    return {
        "error": np.abs(made - real).mean(),
        "steepness": steepness(made).mean() / steepness(real).mean(),
        "histogram": np.abs(histogram(made) - histogram(real)).sum() / 2,
    }


def learnt(x, y, epochs, critic, seed=0):
    """The recipe's model, its generator taught with the discriminator or by the error alone."""
    manual_seed(seed)
    model = recipe.model(x, y)
    if critic:
        model.fit(x, y, recipe.BATCH_SIZE, epochs, verbose=0)
    else:
        model.generator.compile(recipe.ADAM, "l1")
        model.generator.fit(2 * x - 1, 2 * y - 1, recipe.BATCH_SIZE, epochs, verbose=0)
    return model


def run(out, quick=False):
    train, (x, real) = recipe.data(None, None), recipe.held_out()
    if quick:
        train = [part[::2] for part in train]
    epochs = 8 if quick else recipe.EPOCHS
    models = {
        "L1 alone": learnt(*train, epochs, critic=False),
        "L1 and critic": learnt(*train, epochs, critic=True),
    }
    colour = np.median(train[1], axis=(0, 2, 3), keepdims=True)
    made = {
        "edges": np.broadcast_to(x, real.shape),
        "blurred edges": np.broadcast_to(photos.blurred(x, 2), real.shape),
        "one colour": np.broadcast_to(colour, real.shape),
        **{name: model.translate(x) for name, model in models.items()},
    }
    shown = {name: judged(images, real) for name, images in made.items()}
    print(f"{len(x)} patches held out" + "".join(f"{n:>12}" for n in shown["edges"]))
    for name, numbers in shown.items():
        print(f"{name:<20}" + "".join(f"{value:12.3f}" for value in numbers.values()))
    pictures(x, {**made, "real": real}, out / "pix2pix.png")
    return shown


def pictures(x, made, path):
    chosen = np.random.default_rng(0).permutation(len(x))[:8]
    parts = [made[name][chosen] for name in ("edges", "L1 alone", "L1 and critic", "real")]
    with viz.panels(2, size=(5.2, 3.2), path=path) as (left, right):
        photos.columns(*parts, title="edges, by L1 alone, with a critic, real", ax=left)
        lines = {name: histogram(made[name]) for name in ("real", "L1 alone", "L1 and critic")}
        viz.lines(BINS[:-1], lines, xlabel="steepness", ylabel="share of pixels", log="x", ax=right)


if __name__ == "__main__":
    main(run)
