"""Normalization: every layer's inputs on one scale, whatever the layers before it do.

Each takes away a mean and divides by a standard deviation, and differs in what they are taken over,
for activations (N, C, H, W): batch normalization over N, H and W, for each channel; layer
normalization over C, H and W, for each image; instance normalization over H and W, for each of
both; group normalization over a group of channels of an image. Six convolutions that start from
weights far too small learn nothing without one of them, as their signal has died (see initial
values), and digits with it.
"""

from functools import partial

import numpy as np

from tatami import Tensor, manual_seed, nn, optim, viz
from tatami.examples import _digits, main

CHANNELS, DEPTH = 8, 6
# name -> the layer, and what it averages over: the axes of (N, groups, C / groups, H, W)
NORMS = {
    "none": (nn.Identity, 1, (0, 2, 3, 4)),
    "batch": (lambda: nn.BatchNorm2d(CHANNELS), CHANNELS, (0, 2, 3, 4)),
    "layer": (lambda: nn.LayerNorm((CHANNELS, 8, 8)), 1, (2, 3, 4)),
    "instance": (lambda: nn.InstanceNorm2d(CHANNELS, affine=True), CHANNELS, (2, 3, 4)),
    "group": (lambda: nn.GroupNorm(4, CHANNELS), 4, (2, 3, 4)),
}


def network(norm):
    model = nn.Sequential()
    channels = 1
    for _ in range(DEPTH):
        model.add(nn.Conv2d(channels, CHANNELS, 3, padding=1, weight_init="uniform"))
        model.add(norm())
        model.add(nn.ReLU())
        channels = CHANNELS
    return model.add(nn.Flatten()).add(nn.Linear(64 * CHANNELS, 10))


def moments(norm, groups, axes):
    """How far the means and the variances of what comes out are from 0 and 1, at most."""
    x = np.random.default_rng(0).normal(3, 5, (16, CHANNELS, 8, 8)).astype(np.float32)
    y = norm()(Tensor(x)).data.reshape(16, groups, -1, 8, 8)
    return np.abs(y.mean(axes)).max(), np.abs(y.var(axes) - 1).max()


def run(out, quick=False):
    train, test = _digits.load()
    accuracy, off, losses = {}, {}, {}
    print("normalization   largest mean, |variance - 1|   test accuracy")
    for name, (norm, *over) in NORMS.items():
        manual_seed(0)
        model = network(norm)
        sgd = partial(optim.SGD, lr=0.02, momentum=0.9)
        model.compile(sgd, "cross_entropy", metrics=["accuracy"])
        history = model.fit(*train, batch_size=64, epochs=2 if quick else 15, verbose=0)
        losses[name] = history.history["loss"]
        accuracy[name] = model.evaluate(*test)[1]
        off[name] = moments(norm, *over)
        print("{:16}{:10.1e}{:13.1e}{:16.1%}".format(name, *off[name], accuracy[name]))

    viz.lines(
        np.arange(1, len(losses["none"]) + 1),
        losses,
        title=f"{DEPTH} convolutions from weights of ±0.05",
        xlabel="epoch",
        ylabel="training loss (nats)",
        log="y",
        path=out / "normalization.png",
    )
    return {"accuracy": accuracy, "off": off}


if __name__ == "__main__":
    main(run)
