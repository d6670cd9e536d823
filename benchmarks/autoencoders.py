"""The autoencoders of the examples, measured: for generative.py and for its reference."""

import numpy as np

import tatami
from tatami import metrics
from tatami.examples import _digits, anomaly, autoencoder, denoising


def judged(linear, deep, cleaner, watcher):
    """Errors on test digits, clusters of 8 codes, PSNR of cleaned images, AUC of unseen digits.

    Each argument is a function that trains the model of tatami.examples with that task.
    """
    (x, digits), (test, _) = _digits.load()
    numbers = {}
    for k in (2, 8, 16, 32):
        numbers[f"linear_{k}"] = metrics.mse(test, linear(x, k).predict(test))
        model = deep(x, k)
        numbers[f"deep_{k}"] = metrics.mse(test, model.predict(test))
        if k == 8:
            codes = model.encoder.predict(x)
            numbers["clusters"] = autoencoder.clusters(codes, digits, seeds=3)
    cleaned = cleaner(x).predict(denoising.noisy(test))
    numbers["psnr"] = metrics.psnr(test, cleaned.clip(0, 1))
    area = {f"auc_{strange}": watched(watcher, strange) for strange in range(10)}
    return numbers | {"auc": np.mean([*area.values()])} | area


def watched(watcher, strange):
    """How well errors of a model that never saw the digit ``strange`` tell it from the others."""
    x, both, is_strange = anomaly.without(strange)
    off = watcher(x).predict(both) - both
    return metrics.auc(is_strange, np.mean(off**2, axis=(1, 2, 3)))


def measured(seed):
    tatami.manual_seed(seed)
    return judged(autoencoder.linear, autoencoder.deep, denoising.network, anomaly.network)


FAMILIES = {
    "autoencoder": measured,
}
