"""Three studies on digits: batch size, width and learning rate.

All settings but one stay as they are, the number of epochs with them, and every network is trained
from several seeds: what differs less than the seeds do means nothing. Small batches make many steps
of an epoch and learn more in it, but take longer; more units help until there are enough; and of
all settings the learning rate is the one that can spoil everything, on both sides.
"""

import time
from functools import partial

import numpy as np

from tatami import manual_seed, nn, optim, viz
from tatami.examples import _digits, main

USUAL = {"batch_size": 32, "width": 32, "lr": 0.03}
STUDIES = {
    "batch_size": ("batch size", [4, 16, 64, 256, 1024]),
    "width": ("units in the hidden layer", [2, 4, 8, 32, 128]),
    "lr": ("learning rate", [0.001, 0.01, 0.1, 1.0, 10.0]),
}


def score(train, test, seed, epochs, batch_size, width, lr):
    """Test accuracy after training, and the seconds that it took."""
    manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
    sgd = partial(optim.SGD, lr=lr, momentum=0.9)
    model.compile(sgd, "cross_entropy", metrics=["accuracy"])
    start = time.perf_counter()
    model.fit(*train, batch_size=batch_size, epochs=epochs, verbose=0)
    seconds = time.perf_counter() - start
    return model.evaluate(*test)[1], seconds


def run(out, quick=False):
    train, test = _digits.load()
    seeds, epochs = (range(1), 3) if quick else (range(5), 10)
    accuracy = {}
    with viz.panels(3, path=out / "studies.png") as axes:
        for (setting, (words, values)), ax in zip(STUDIES.items(), axes, strict=True):
            print(f"{words:<28}test accuracy (lowest to highest seed)   seconds")
            results = []
            for value in values:
                settings = USUAL | {setting: value}
                found = [score(train, test, seed, epochs, **settings) for seed in seeds]
                found, seconds = np.transpose(found)
                results.append(found)
                span = f"({found.min():.1%} to {found.max():.1%})"
                print(f"  {value:<26g}{found.mean():.1%}  {span:<33}{seconds.mean():.2f}")
            accuracy[setting] = dict(zip(values, np.mean(results, axis=1)))
            spread(values, np.array(results), words, ax)
    return accuracy


def spread(values, results, words, ax):
    """The mean over the seeds as a line, each seed a dot."""
    means = {"mean of the seeds": results.mean(axis=1)}
    viz.lines(values, means, xlabel=words, ylabel="test accuracy", log="x", ax=ax)
    ax.plot(values, results, "o", color="black", ms=3, alpha=0.4)
    ax.set_ylim(0, 1.02)


if __name__ == "__main__":
    main(run)
