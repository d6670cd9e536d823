"""Matrix products."""

import numpy as np

from reference.activation import activate, f64

__all__ = ["linear", "matmul"]


def matmul(a, b, bias=None, *, activation=None):
    y = np.matmul(f64(a), f64(b))
    return activate(y if bias is None else y + f64(bias), activation)


def linear(x, weight, bias=None, *, activation=None):
    return matmul(x, f64(weight).T, bias, activation=activation)
