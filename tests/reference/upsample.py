"""Upsampling by whole factors: one interpolation matrix an axis, so the gradient transposes it."""

import numpy as np

from reference.activation import f64
from reference.conv import pair

__all__ = ["upsample2d", "upsample2d_grad"]


def interpolation(size, scale, mode):
    """(size * scale, size): which pixels an output mixes, half-pixel centres when bilinear."""
    m = np.zeros((size * scale, size))
    for o in range(size * scale):
        if mode == "nearest":
            m[o, o // scale] = 1
            continue
        # (o + 1/2) / scale - 1/2 as a whole number of parts of 1 / (2 scale)
        low, part = divmod(max(2 * o + 1 - scale, 0), 2 * scale)
        m[o, low] += 1 - part / (2 * scale)
        m[o, min(low + 1, size - 1)] += part / (2 * scale)
    return m


def upsample2d(x, scale, mode="nearest"):
    rows, columns = (
        interpolation(h, s, mode) for h, s in zip(x.shape[2:], pair(scale), strict=True)
    )
    return np.einsum("ph,nchw,qw->ncpq", rows, f64(x), columns)


def upsample2d_grad(grad_y, input_shape, scale, mode="nearest"):
    rows, columns = (
        interpolation(h, s, mode) for h, s in zip(input_shape[2:], pair(scale), strict=True)
    )
    return np.einsum("ph,ncpq,qw->nchw", rows, f64(grad_y), columns)
