"""A GAN on a ring: points learn where eight clouds are, by being told that they are not.

A generator moves points of noise, a discriminator tells them from points of the data: neither is
ever shown a distance. At first all points lie in one heap; the discriminator finds it out, and they
flee to where it takes them for real. What can go wrong is that they crowd into a few of the clouds.
In the end the discriminator can say of no point whether it is real: D is 1/2, its loss ln 4.
"""

import math

import numpy as np

from tatami import manual_seed, viz
from tatami.examples import main
from tatami.generate.recipes.gan import BATCH_SIZE, CENTRES, SPREAD, model, ring, scatter


def clouds(points):
    """How many points lie in each cloud, up to four deviations from its centre."""
    distances = np.linalg.norm(points[:, None] - CENTRES, axis=2)
    inside = distances.min(axis=1) < 4 * SPREAD
    return np.bincount(distances.argmin(axis=1)[inside], minlength=len(CENTRES))


def run(out, quick=False):
    manual_seed(0)
    x = ring(8192, np.random.default_rng(0))
    gan = model(x)
    made, history = {}, {}
    stages = (1, 4, 20) if quick else (1, 10, 80)
    for before, epochs in zip((0, *stages), stages):
        numbers = gan.fit(x, batch_size=BATCH_SIZE, epochs=epochs - before, verbose=0).history
        history = {name: history.get(name, []) + values for name, values in numbers.items()}
        made[epochs] = gan.sample(1000, rng=np.random.default_rng(0))
    counts = {epochs: clouds(points) for epochs, points in made.items()}
    for epochs, count in counts.items():
        print(f"epoch {epochs:>2}: {count.sum():>4} of 1,000 points in clouds: {count}")
    hit = int((counts[epochs] >= 10).sum())
    print(f"{hit} of 8 clouds are hit by 10 points or more")
    print(f"the discriminator's loss is {history['d_loss'][-1]:.2f}, ln 4 = {math.log(4):.2f}")

    with viz.panels(4, size=(3.2, 3.4), path=out / "gan_ring.png") as axes:
        for (epochs, points), ax in zip(made.items(), axes):
            scatter(ax, x, points)
            ax.set_title(f"epoch {epochs}")
        shown = {"D(real)": history["d_real"], "D(made)": history["d_fake"]}
        title, place = "what the discriminator thinks", {"ax": axes[-1], "xlabel": "epoch"}
        viz.lines(range(1, epochs + 1), shown, title=title, **place)
        axes[-1].set_ylim(0, 1)
    return {"counts": counts[epochs], "clouds": hit, "history": history}


if __name__ == "__main__":
    main(run)
