"""How good made things are: images that came back, and samples next to real ones.

Samples are judged by features (N, D) or class probabilities (N, C) that a classifier gives for
them, see :class:`tatami.models.Classifier`.
"""

import numpy as np


def psnr(x, y, data_range=1.0):
    """Peak signal-to-noise ratio of ``y`` next to ``x``, decibels, over all elements.

    10 log10(range^2 / mean squared error), infinite for equal arrays.
    """
    x, y = _pair("psnr", x, y)
    error = np.mean((x - y) ** 2)
    return float(10 * np.log10(data_range**2 / error)) if error else float("inf")


def elbo(log_likelihood, kl):
    """Evidence lower bound in nats: the mean of log p(x | z) - KL(q(z | x) || p(z)) over rows.

    Both are (N,), summed over pixels and over codes (Kingma and Welling, 2014, equation 3).
    """
    log_likelihood, kl = _pair("elbo", log_likelihood, kl)
    return float(np.mean(log_likelihood - kl))


def frechet_distance(x, y):
    """Between Gaussians fitted to the features ``x`` (N, D) and ``y`` (M, D).

    ``|mean difference|^2 + trace(Cx + Cy - 2 (Cx Cy)^(1/2))``, zero for equal ones (Dowson and
    Landau, 1982; as a measure of samples: Heusel et al., 2017). It falls as N grows: compare equal
    N.
    """
    x, y = _features("frechet_distance", x, y)
    if min(len(x), len(y)) < 2:
        raise ValueError(
            f"frechet_distance: a covariance needs two rows, got shapes {x.shape} and {y.shape}"
        )
    half = _root(np.cov(x, rowvar=False).reshape(x.shape[1], -1))
    other = np.cov(y, rowvar=False).reshape(half.shape)
    # The roots of Cx Cy's eigenvalues are those of the symmetric Cx^(1/2) Cy Cx^(1/2).
    both = np.sqrt(np.linalg.eigvalsh(half @ other @ half).clip(0)).sum()
    apart = np.sum((x.mean(axis=0) - y.mean(axis=0)) ** 2)
    return float(max(apart + np.sum(half * half) + np.trace(other) - 2 * both, 0.0))


def _root(matrix):
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def classifier_score(probabilities):
    """exp of the mean of KL(p(y | x) || p(y)) over samples: from 1 to the number of classes.

    High where each sample is clearly of one class and all classes occur; the inception score
    (Salimans et al., 2016) by a classifier of one's own. ``probabilities`` are (N, C).
    """
    p = np.asarray(probabilities, np.float64)
    if p.ndim != 2 or not len(p):
        raise ValueError(f"classifier_score: probabilities must be (N, C), got shape {p.shape}")
    if not (p >= 0).all() or not np.allclose(p.sum(axis=1), 1, atol=1e-3):
        raise ValueError(
            "classifier_score: each row must hold probabilities, from 0 on, that add up to 1; "
            "of logits take the softmax first"
        )
    mean = p.mean(axis=0)
    ratio = np.divide(p, mean, out=np.ones_like(p), where=p > 0)
    return float(np.exp(np.mean(np.sum(p * np.log(ratio), axis=1))))


def precision_recall(real, made, k=3):
    """Share of ``made`` samples that look real, and share of ``real`` ones that can be made.

    Both are features, (N, D) and (M, D). A sample counts as inside where it is no further from some
    row of the other set than that row's ``k``-th neighbour of its own set (Kynkaanniemi et al.,
    2019).
    """
    real, made = _features("precision_recall", real, made)
    if k < 1:
        raise ValueError(f"precision_recall: k must be at least 1, not {k}")
    if min(len(real), len(made)) <= k:
        raise ValueError(
            f"precision_recall: k={k} neighbours need more rows than shapes {real.shape} and "
            f"{made.shape} have"
        )
    between = _distances(real, made)
    precision = (between <= _reach(real, k)[:, None]).any(axis=0).mean()
    recall = (between <= _reach(made, k)[None, :]).any(axis=1).mean()
    return float(precision), float(recall)


def _reach(x, k):
    """Squared distance of every row's ``k``-th neighbour, itself not counted."""
    return np.partition(_distances(x, x), k, axis=1)[:, k]


def _distances(x, y):
    squares = (x * x).sum(axis=1)[:, None] + (y * y).sum(axis=1) - 2 * (x @ y.T)
    if x is y:
        np.fill_diagonal(squares, 0)
    return squares.clip(0)


def _features(name, x, y):
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or not x.shape[1]:
        raise ValueError(
            f"{name}: features must be (N, D) and (M, D), got shapes {x.shape} and {y.shape}"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"{name}: features {x.shape} and {y.shape} hold NaN or infinite values")
    return x, y


def _pair(name, x, y):
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.shape != y.shape or not x.size:
        raise ValueError(
            f"{name}: both must have one shape and an element, got {x.shape} and {y.shape}"
        )
    return x, y
