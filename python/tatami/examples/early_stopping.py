"""Early stopping: the moment when a network begins to learn the noise.

A network far too large for 200 digits, one in ten of them with a wrong label, learns all of them by
heart. What it makes of digits that it has not seen gets better first and worse later; training
stops when that has not improved for some epochs, and the weights of the best epoch are kept.
"""

from functools import partial

import numpy as np

from tatami import manual_seed, nn, optim, viz
from tatami.examples import _digits, main
from tatami.training.callbacks import EarlyStopping


def noisy(images, digits, rng, count=200):
    """The first ``count``, a tenth of them with any label."""
    digits = digits[:count].copy()
    digits[: count // 10] = rng.integers(0, 10, count // 10)
    return images[:count], digits


def train(data, check, epochs, callbacks=()):
    manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
    model.compile(partial(optim.Adam, lr=1e-3), metrics=["accuracy"])
    how = {"validation_data": check, "callbacks": callbacks, "verbose": 0}
    return model, model.fit(*data, epochs=epochs, **how)


def run(out, quick=False):
    (images, digits), test = _digits.load()
    data = noisy(images, digits, np.random.default_rng(0))
    check = images[-400:], digits[-400:]

    model, history = train(data, check, epochs=80 if quick else 200)
    losses = {"to the end": model.evaluate(*test)[0]}
    stop = EarlyStopping(patience=10, restore_best_weights=True)
    model, stopped = train(data, check, len(history.epoch), [stop])
    losses["stopped early"] = model.evaluate(*test)[0]

    ran = {"to the end": len(history.epoch), "stopped early": len(stopped.epoch)}
    for name, loss in losses.items():
        print(f"{name:<14} {ran[name]:4} epochs, loss on {len(test[0])} test digits {loss:.3f}")

    with viz.panels(1, size=(6, 4), path=out / "early_stopping.png") as (ax,):
        viz.curve(history, ax=ax)
        ax.axvline(stop.best_epoch + 1, color="black", lw=1, ls=":", label="the best epoch")
        ax.legend()
    kept = model.evaluate(*check)[0]
    return {"history": stopped.history, "best": stop.best_epoch, "kept": kept, "losses": losses}


if __name__ == "__main__":
    main(run)
