"""The multi-layer perceptron: lines that are bent.

Two half moons lie in each other, and no line separates them. A layer of units between input and
output draws several lines, and what follows combines them: with enough units, any border can be
drawn (Cybenko, 1989). The network is built by adding layers; their input sizes are found at the
first call.
"""

from functools import partial

import numpy as np

from tatami import functional as F
from tatami import manual_seed, nn, optim, viz
from tatami.examples import main


def moons(rng, count):
    y = np.arange(count) % 2
    angle = rng.uniform(0, np.pi, count)
    x = np.column_stack([np.cos(angle), np.sin(angle)])
    x[y == 1] = [1, 0.4] - x[y == 1]
    return (x + rng.normal(0, 0.15, x.shape)).astype(np.float32), y


def network(hidden):
    """A softmax over two classes behind ``hidden`` layers of 16 units."""
    model = nn.Sequential()
    for _ in range(hidden):
        model.add(nn.Dense(16, activation="tanh"))
    model.add(nn.Dense(2))
    return model


def run(out, quick=False):
    rng = np.random.default_rng(0)
    x, y = moons(rng, 400)
    fresh = moons(rng, 400)
    accuracy = {}
    with viz.panels(3, path=out / "mlp.png") as axes:
        for hidden, ax in enumerate(axes):
            manual_seed(0)
            model = network(hidden)
            model.compile(partial(optim.Adam, lr=0.01), "cross_entropy", metrics=["accuracy"])
            model.fit(x, y, batch_size=40, epochs=60 if quick else 150, verbose=0)
            accuracy[hidden] = model.evaluate(*fresh)[1]
            title = f"{hidden} hidden layers: {accuracy[hidden]:.1%}"
            print(f"{title} of 400 fresh points, {count(model)} weights")

            def probability(points):
                return F.softmax(model.predict(points), axis=1)[:, 1]  # noqa: B023

            viz.regions(probability, x, y, title=title, ax=ax)
    return accuracy


def count(model):
    return sum(p.size for p in model.parameters())


if __name__ == "__main__":
    main(run)
