"""Whitening: data whose values say nothing about each other.

The pixels of a digit go together: a neighbour of ink is ink. PCA turns the axes to the directions
in which the digits differ most, and dividing each by its standard deviation makes the covariance
the identity; but what comes out is no image any more. ZCA turns the axes back afterwards. Of all
changes that whiten, it is the one that moves the data least, so that a digit stays a digit: its
edges.
"""

import numpy as np

from tatami import viz
from tatami.data import PCA, ZCA
from tatami.data.datasets import digits
from tatami.examples import main


def covariance(x):
    return np.cov(x.reshape(len(x), -1), rowvar=False)


def neighbours(x):
    """The mean correlation of pixels side by side."""
    left, right = x[..., 2:5].ravel(), x[..., 3:6].ravel()
    return np.corrcoef(left, right)[0, 1]


def run(out, quick=False):
    images, labels = digits()
    whitened = {
        "digits": images,
        "PCA": PCA(whiten=True, eps=0.001).fit_transform(images).reshape(images.shape),
        "ZCA": ZCA(eps=0.001).fit_transform(images),
    }
    variances = PCA().fit(images).variances
    needed = int(np.searchsorted(np.cumsum(variances) / variances.sum(), 0.95)) + 1
    print(f"{needed} of 64 directions hold 95% of the variance")
    for name, x in whitened.items():
        print(f"{name:<8}correlation of pixels side by side {neighbours(x):+.2f}")

    first = [int(np.flatnonzero(labels == k)[0]) for k in range(10)]
    with viz.panels(3, 2, size=(3.6, 2.7), path=out / "whitening.png") as axes:
        for (name, x), above, below in zip(whitened.items(), axes, axes[3:]):
            viz.images(x[first], columns=4, each=True, title=name, ax=above)
            viz.matrix(covariance(x), label="covariance of two pixels", ax=below)
    return {"whitened": whitened, "variances": variances, "needed": needed}


if __name__ == "__main__":
    main(run)
