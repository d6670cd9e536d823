"""Noise removal: an autoencoder that is shown noise and asked for the image.

Noise is added to the inputs while it learns, and none to what has to come out (Vincent et al.,
2008): it learns how digits look, and to come back to them. Projecting on principal axes takes away
noise too, that part of it which lies off the axes; the network, which bends, leaves less. Noise
twice as strong as what it learnt from it has never seen, and does not take away as well.
"""

import numpy as np

from tatami import manual_seed, metrics, viz
from tatami.data import PCA
from tatami.examples import _digits, main
from tatami.models import Autoencoder

NOISE = 0.25  # standard deviation; pixels go from 0 to 1


def noisy(x, noise=NOISE, seed=0):
    rng = np.random.default_rng(seed)
    return x + noise * rng.standard_normal(x.shape, np.float32)


def axes_that_clean_best(x):
    """As many principal axes as leave the least error on images with noise that it is shown."""
    fits = [PCA(k).fit(x) for k in range(8, 33, 4)]
    seen = noisy(x, seed=1)
    return min(fits, key=lambda pca: metrics.mse(x, pca.inverse(pca.transform(seen))))


def network(x, epochs=100):
    model = Autoencoder((64, 256, 32), noise=NOISE)
    _digits.annealed(model, x, epochs=epochs, lr=2e-3)
    return model


def run(out, quick=False):
    (x, _), (test, _) = _digits.load()
    manual_seed(0)
    pca, model = axes_that_clean_best(x), network(x, 40 if quick else 100)
    psnr = {}
    print("noise   as it is      PCA  network   (PSNR of 450 test images, decibels)")
    for noise in (NOISE / 2, NOISE, 2 * NOISE):
        seen = noisy(test, noise)
        cleaned = seen, pca.inverse(pca.transform(seen)), model.predict(seen)
        psnr[noise] = [metrics.psnr(test, image.clip(0, 1)) for image in cleaned]
        print(f"{noise:5}" + "{:11.1f}{:9.1f}{:9.1f}".format(*psnr[noise]))
        if noise == NOISE:
            names = ("test digits", "with noise", "by axes", "by the network")
            images = [x[:12].clip(0, 1) for x in (test, *cleaned)]
            viz.image_rows(dict(zip(names, images)), path=out / "denoising.png")
    return psnr


if __name__ == "__main__":
    main(run)
