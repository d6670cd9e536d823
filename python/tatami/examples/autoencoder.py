"""The autoencoder: what is left of an image in a few numbers.

A network that has to give back what it was given, through a layer of few units, must find out what
images have in common. Without activations the best it can do is PCA: the linear network comes to
the same error (Baldi and Hornik, 1989). A hidden layer on either side bends the axes, and the same
few codes hold more. What is alike lies close together: k-means finds the digits among eight codes
about as well as among all 64 pixels.

Deep networks of sigmoids hardly learn from scratch. Trained level by level first, each an
autoencoder of the codes of the one before, they do (Hinton and Salakhutdinov, 2006).
"""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from tatami import manual_seed, metrics, viz
from tatami.data import PCA
from tatami.examples import _digits, main
from tatami.models import Autoencoder

HIDDEN = 256
STACK = (64, 256, 128, 64, 2)


def linear(x, k, epochs=200):
    model = Autoencoder((64, k), activation=None)
    _digits.annealed(model, x, epochs=epochs, lr=0.02)
    return model


def deep(x, k, epochs=100):
    model = Autoencoder((64, HIDDEN, k))
    _digits.annealed(model, x, epochs=epochs, lr=3e-3)
    return model


def stacked(x, pretraining, epochs):
    """Error by epoch of training the whole, after ``pretraining`` epochs of every level."""
    model = Autoencoder(STACK, "sigmoid")
    if pretraining:
        model.pretrain(x, epochs=pretraining, verbose=0)
    return _digits.annealed(model, x, epochs=epochs, lr=3e-3).history["loss"]


def clusters(codes, digits, seeds=5):
    """How well ten clusters of the rows agree with the digits: 1 for the same, 0 for chance."""
    found = (KMeans(10, n_init=4, random_state=seed).fit(codes).labels_ for seed in range(seeds))
    return float(np.mean([adjusted_rand_score(digits, labels) for labels in found]))


def run(out, quick=False):
    (x, digits), (test, answers) = _digits.load()
    sizes = (2, 8) if quick else (2, 8, 16, 32)
    errors = {"PCA": [], "deep network": [], "linear network": []}
    one_each = [int(np.flatnonzero(answers == digit)[0]) for digit in range(10)]
    codes = {"64 pixels": x.reshape(len(x), -1)}
    shown = {"test digits": test[one_each]}
    print(" k      PCA     deep   linear   (mean squared error a pixel of 450 test images)")
    for k in sizes:
        manual_seed(0)
        pca, bent = PCA(k).fit(x), deep(x, k, 15 if quick else 100)
        back = [pca.inverse(pca.transform(test)), bent.predict(test)]
        codes[f"PCA {k}"], codes[f"deep {k}"] = pca.transform(x), bent.encoder.predict(x)
        if k <= 8:
            shown |= {f"{k} axes": back[0][one_each], f"{k} codes": back[1][one_each]}
        back.append(linear(x, k, 80 if quick else 200).predict(test))
        for row, images in zip(errors.values(), back):
            row.append(metrics.mse(test, images))
        print(f"{k:2}" + "".join(f"{row[-1]:9.5f}" for row in errors.values()))

    found = {name: clusters(codes[name], digits) for name in list(codes)[:5]}
    for name, agreement in found.items():
        print(f"k-means of {name:<10} agrees with the digits by {agreement:.2f}")

    levels, epochs = (3, 6) if quick else (10, 40)
    scratch = levels * (len(STACK) - 1) + epochs  # as many steps
    manual_seed(0)
    losses = {"from scratch": stacked(x, 0, scratch), "level by level": stacked(x, levels, epochs)}
    for name, loss in losses.items():
        print(f"sigmoids {'-'.join(map(str, STACK))} {name}: training error {loss[-1]:.4f}")
    draw(out / "autoencoder.png", digits, shown, sizes, errors, codes, found, losses)
    return {"errors": errors, "clusters": found, "losses": losses}


def draw(path, digits, shown, sizes, errors, codes, found, losses):
    with viz.panels(3, 2, size=(3.9, 3.5), path=path) as axes:
        viz.scatter(codes["PCA 2"], digits, title="two principal axes", ax=axes[0])
        viz.scatter(codes["deep 2"], digits, title="two codes of the deep network", ax=axes[1])
        shown = {name: images.clip(0, 1) for name, images in shown.items()}
        viz.image_rows(shown, title="given back from few numbers", ax=axes[2])
        words = {"xlabel": "codes", "ylabel": "squared error a pixel", "log": "xy"}
        viz.lines(sizes, errors, title="error on test digits", **words, ax=axes[3])
        words = {"title": "agreement of clusters with digits", "ylabel": "adjusted Rand index"}
        viz.bars(
            [name.replace(" ", "\n") for name in found], [*found.values()], **words, ax=axes[4]
        )
        whole, alone = losses.values()
        late = np.concatenate([np.full(len(whole) - len(alone), np.nan), alone])
        curves = dict(zip(losses, (whole, late)))
        words = {"xlabel": "epoch", "ylabel": "training error"}
        title = "four levels of sigmoids to two codes"
        viz.lines(np.arange(len(whole)) + 1, curves, title=title, **words, ax=axes[5])


if __name__ == "__main__":
    main(run)
