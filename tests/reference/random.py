"""Embedding, dropout and noise: gathers, scatters and the counter-based random numbers."""

from statistics import NormalDist

import numpy as np

from reference.activation import f64

__all__ = [
    "dropout",
    "dropout_grad",
    "embedding",
    "embedding_grad",
    "reparameterize",
    "reparameterize_grad",
]


def embedding(indices, weight):
    return f64(weight)[indices]


def embedding_grad(grad_y, indices, weight_shape):
    grad_w = np.zeros(weight_shape)
    np.add.at(grad_w, np.asarray(indices), f64(grad_y))
    return grad_w


def philox(seed, blocks):
    """Philox4x32-10 (Salmon et al., SC'11): four 32-bit words for each 64-bit counter 0..blocks."""
    low32, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    counter = np.arange(blocks, dtype=np.uint64)
    c0, c1 = counter & low32, counter >> shift
    c2, c3 = np.zeros_like(c0), np.zeros_like(c0)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (
            (p1 >> shift) ^ c1 ^ np.uint64(k0),
            p1 & low32,
            (p0 >> shift) ^ c3 ^ np.uint64(k1),
            p0 & low32,
        )
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=-1)


def words(seed, shape):
    """One for every element, in order."""
    size = int(np.prod(shape))
    return philox(seed, -(-size // 4)).reshape(-1)[:size].reshape(shape)


def dropout(x, p, *, seed):
    x = f64(x)
    mask = words(seed, x.shape).astype(np.float64) >= p * 2.0**32
    return dropout_grad(x, mask, p), mask


def dropout_grad(grad_y, mask, p):
    return np.zeros(np.shape(grad_y)) if p == 1 else np.where(mask, f64(grad_y) / (1 - p), 0.0)


def noise(seed, shape):
    flipped = words(seed, shape) ^ np.uint64(1 << 31)
    quantile = np.vectorize(NormalDist().inv_cdf, otypes=[float])
    return quantile((flipped + 0.5) / 2.0**32)


def reparameterize(mean, log_variance, *, seed):
    return f64(mean) + np.exp(f64(log_variance) / 2) * noise(seed, mean.shape)


def reparameterize_grad(grad_z, log_variance, *, seed):
    return f64(grad_z) * np.exp(f64(log_variance) / 2) * noise(seed, grad_z.shape) / 2
