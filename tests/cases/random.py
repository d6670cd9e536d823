"""Embedding, dropout and noise."""

import numpy as np

import reference as R
from cases.case import Case


def _dropout(p):
    return [
        Case(
            "dropout",
            lambda K, x: K.dropout(x, p, seed=2**40 + 7),
            lambda source, n: [source(n, 37)],
            lambda x: (np.abs(x) / (1 - p) if p < 1 else np.abs(x), 0),
            exact=p in (0.5, 0.0, 1.0),
            label=f"p={p}",
        ),
        Case(
            "dropout_grad",
            lambda K, gy, mask: K.dropout_grad(gy, mask, p),
            lambda source, n: [source(n, 37), source.mask(n, 37)],
            exact=p in (0.5, 0.0, 1.0),
            batch=(0, (0, 1)),
            label=f"p={p}",
        ),
    ]


def _noise(name, bound):
    return Case(
        name,
        lambda K, x, log_variance: getattr(K, name)(x, log_variance, seed=2**40 + 7),
        lambda source, n: [source(n, 37), source(n, 37)],
        bound,
    )


def _reach(mean, log_variance):
    """Of terms that may cancel: |mean| + |sigma eps|."""
    return np.abs(mean) + np.abs(R.reparameterize(0 * mean, log_variance, seed=2**40 + 7))


CASES = [
    Case(
        "embedding",
        lambda K, indices, w: K.embedding(indices, w),
        lambda source, n: [source.below(50, n, 3), source(50, 37)],
        exact=True,
        batch=(0, (0,)),
        large=6001,
    ),
    Case(
        "embedding_grad",
        lambda K, gy, indices: K.embedding_grad(gy, indices, (50, 37)),
        lambda source, n: [source(n, 3, 37), source.below(50, n, 3)],
        exact=True,
        large=6001,
    ),
    _noise("reparameterize", _reach),
    _noise("reparameterize_grad", lambda g, v: np.abs(R.reparameterize_grad(g, v, seed=2**40 + 7))),
    *(case for p in (0.3, 0.5, 0.0, 1.0) for case in _dropout(p)),
]
