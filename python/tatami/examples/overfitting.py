"""Over-fitting: eleven noisy points, a line, a curve through all of them, and the remedies.

The points lie on y = x but for noise. A polynomial of degree 10 goes through every one of them, a
large network nearly so, and both are wrong in between: they have learnt the noise. The straight
line misses most points and beats both on fresh ones. Each remedy takes something from the network's
freedom: L1 and L2 penalties its large weights, dropout its trust in single units, noise on the
input its sharp turns, early stopping the time to learn the noise. Augmentation adds what is known
of the truth: here that it is odd, so that (-x, -y) belongs to every (x, y). Other noise ranks them
otherwise.
"""

from functools import partial

import numpy as np

from tatami import functional as F
from tatami import manual_seed, nn, optim, viz
from tatami.examples import main
from tatami.training.callbacks import EarlyStopping


def points(rng, count):
    x = np.linspace(-1, 1, count, dtype=np.float32)[:, None]
    return x, x + rng.normal(0, 0.3, x.shape).astype(np.float32)


def network(noise=0.0, dropout=0.0):
    return nn.Sequential(
        nn.GaussianNoise(noise),
        nn.Linear(1, 100),
        nn.Tanh(),
        nn.Dropout(dropout),
        nn.Linear(100, 100),
        nn.Tanh(),
        nn.Dropout(dropout),
        nn.Linear(100, 1),
    )


def train(model, x, y, epochs, penalty=None, **how):
    def loss(output, target):
        error = F.mse_loss(output, target)
        return error if penalty is None else error + penalty(model)

    model.compile(partial(optim.Adam, lr=0.01), loss)
    model.fit(x, y, batch_size=len(x), epochs=epochs, verbose=0, **how)
    return lambda x: model.predict(x)


def stopped_early(model, x, y, epochs):
    """Some of the points only say when to stop."""
    stop = EarlyStopping(patience=200, restore_best_weights=True)
    kept = np.arange(len(x)) % 4 == 2
    check = x[kept], y[kept]
    return train(model, x[~kept], y[~kept], epochs, validation_data=check, callbacks=[stop])


def mirrored(model, x, y, epochs):
    return train(model, np.concatenate([x, -x]), np.concatenate([y, -y]), epochs)


REMEDIES = {
    "large network": lambda *data: train(network(), *data),
    "L1 penalty": lambda *data: train(network(), *data, penalty=lambda m: nn.l1_penalty(m, 1e-3)),
    "L2 penalty": lambda *data: train(network(), *data, penalty=lambda m: nn.l2_penalty(m, 3e-3)),
    "dropout": lambda *data: train(network(dropout=0.5), *data),
    "input noise": lambda *data: train(network(noise=0.15), *data),
    "early stopping": lambda *data: stopped_early(network(), *data),
    "augmentation": lambda *data: mirrored(network(), *data),
}


def polynomial(degree, x, y):
    fitted = np.polynomial.Polynomial.fit(x[:, 0], y[:, 0], degree)
    return lambda x: fitted(x.astype(np.float64))


def run(out, quick=False):
    rng = np.random.default_rng(4)
    data = points(rng, 11)
    fresh_x, fresh_y = points(rng, 2000)
    models = {"straight line": polynomial(1, *data), "degree 10": polynomial(10, *data)}
    for name, learn in REMEDIES.items():
        manual_seed(0)
        models[name] = learn(*data, 400 if quick else 2000)

    errors = {}
    print("mean square error     11 points   2000 fresh ones   (the noise alone: 0.09)")
    for name, predict in models.items():
        seen, errors[name] = (np.mean((predict(x) - y) ** 2) for x, y in (data, (fresh_x, fresh_y)))
        print(f"{name:<20}{seen:11.4f}{errors[name]:18.4f}")

    across = np.linspace(-1, 1, 200, dtype=np.float32)[:, None]
    with viz.panels(3, 3, size=(3.3, 2.6), path=out / "overfitting.png") as axes:
        for (name, predict), ax in zip(models.items(), axes, strict=True):
            title = f"{name}: {errors[name]:.3f} on fresh points"
            curve = {"": predict(across)}
            viz.lines(across, curve, points=data, title=title, xlabel="x", ylabel="y", ax=ax)
            ax.set_ylim(-1.8, 1.8)
    return errors


if __name__ == "__main__":
    main(run)
