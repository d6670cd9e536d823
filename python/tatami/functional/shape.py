"""Shapes, and the sums that go with them: nothing here computes more than additions."""

import math

import numpy as np

from ..autograd import Op

_reshape = Op(
    lambda x, shape: x.reshape(shape),
    lambda g, y, x, shape: reshape(g, x.shape),
    name="reshape",
)
_transpose = Op(
    np.transpose,
    lambda g, y, x, axes: transpose(g, None if axes is None else np.argsort(axes)),
)
_broadcast_to = Op(np.broadcast_to, lambda g, y, x, shape: sum_to(g, x.shape))
_sum = Op(
    lambda x, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims),
    lambda g, y, x, axis, keepdims: broadcast_to(_kept(g, x, axis, keepdims), x.shape),
    name="sum",
)


def reshape(x, shape):
    """The same elements in another shape; one size may be -1."""
    return _reshape(x, shape=shape)


def flatten(x, start_dim=0, end_dim=-1):
    """Merges the axes from ``start_dim`` to ``end_dim``, both included, into one."""
    first, last = start_dim % max(x.ndim, 1), end_dim % max(x.ndim, 1)
    merged = math.prod(x.shape[first : last + 1])
    return _reshape(x, shape=(*x.shape[:first], merged, *x.shape[last + 1 :]))


def transpose(x, axes=None):
    """The axes in another order, reversed by default (NumPy's ``transpose``)."""
    return _transpose(x, axes=axes)


def broadcast_to(x, shape):
    """``x`` repeated to ``shape`` by NumPy's rules, without a copy."""
    return x if x.shape == tuple(shape) else _broadcast_to(x, shape=shape)


def sum_to(x, shape):
    """The opposite of :func:`broadcast_to`: sums ``x`` over the axes that it would repeat."""
    if x.shape == tuple(shape):
        return x
    extra = x.ndim - len(shape)
    repeated = [extra + k for k, n in enumerate(shape) if n == 1 and x.shape[extra + k] != 1]
    return reshape(sum(x, (*range(extra), *repeated)), shape)


def sum(x, axis=None, keepdims=False):
    """The sum over ``axis`` (an int, a tuple, or None for all)."""
    return _sum(x, axis=axis, keepdims=keepdims)


def mean(x, axis=None, keepdims=False):
    """The mean over ``axis`` (an int, a tuple, or None for all)."""
    total = sum(x, axis, keepdims)
    return total / (x.size / max(total.size, 1))


def _kept(g, x, axis, keepdims):
    """``g`` with the axes that a sum removed put back as ones."""
    if keepdims or axis is None:
        return g if keepdims else reshape(g, (1,) * x.ndim)
    axes = {a % x.ndim for a in ((axis,) if isinstance(axis, int) else axis)}
    return reshape(g, tuple(1 if k in axes else n for k, n in enumerate(x.shape)))
