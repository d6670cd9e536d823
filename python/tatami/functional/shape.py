"""Shapes, and the sums that go with them: nothing here computes more than additions."""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..autograd import Op

_reshape = Op(
    lambda x, shape: x.reshape(shape),
    lambda g, _y, _x, shape: reshape(g, _x.shape),
    name="reshape",
    view=True,
)
_transpose = Op(
    np.transpose,
    lambda g, _y, _x, axes: transpose(g, None if axes is None else np.argsort(axes)),
    view=True,
)
_broadcast_to = Op(np.broadcast_to, lambda g, _y, _x, shape: sum_to(g, _x.shape), view=True)
_sum = Op(
    lambda x, axis, keepdims: x.sum(axis=axis, keepdims=keepdims),
    lambda g, _y, _x, axis, keepdims: broadcast_to(kept(g, _x, axis, keepdims), _x.shape),
    name="sum",
)
_tril = Op(np.tril, lambda g, _y, _x, k: tril(g, k))
_triu = Op(np.triu, lambda g, _y, _x, k: triu(g, k))


def reshape(x, shape):
    """The same elements in another shape; one size may be -1."""
    return _reshape(x, shape=shape)


def flatten(x, start_dim=0, end_dim=-1):
    """Merges the axes from ``start_dim`` to ``end_dim``, both included, into one."""
    first, last = (normalize_axis_index(k, max(x.ndim, 1), "flatten") for k in (start_dim, end_dim))
    if last < first:
        raise ValueError(f"flatten: of x {x.shape}, axis {first} comes after axis {last}")
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


def axes_of(x, axis, name=None):
    """``axis`` (an int, a tuple, or None for all) as a tuple of numbers from 0 on.

    ``name`` is who asks, for the error.
    """
    if axis is None:
        return tuple(range(x.ndim))
    return normalize_axis_tuple(axis, x.ndim, name)


def kept(y, x, axis, keepdims):
    """``y`` with the axes that a reduction of ``x`` removed put back as ones."""
    if keepdims:
        return y
    axes = axes_of(x, axis)
    return reshape(y, tuple(1 if k in axes else n for k, n in enumerate(x.shape)))


def squeeze(x, axis=None):
    """Without the axes of size 1, or those of ``axis`` (an int or a tuple), which must be such."""
    axes = axes_of(x, axis, "squeeze")
    if axis is not None and any(x.shape[k] != 1 for k in axes):
        raise ValueError(f"squeeze: x {x.shape} is longer than 1 along axis {axis}")
    return reshape(x, tuple(n for k, n in enumerate(x.shape) if k not in axes or n != 1))


def expand_dims(x, axis):
    """With new axes of size 1 at ``axis`` (an int or a tuple) of the result."""
    rank = x.ndim + (len(axis) if isinstance(axis, tuple) else 1)
    axes, sizes = normalize_axis_tuple(axis, rank, "expand_dims"), iter(x.shape)
    return reshape(x, tuple(1 if k in axes else next(sizes) for k in range(rank)))


def swapaxes(x, axis1, axis2):
    """Two axes exchanged."""
    order = list(range(x.ndim))
    a, b = (normalize_axis_index(k, x.ndim, "swapaxes") for k in (axis1, axis2))
    order[a], order[b] = b, a
    return transpose(x, order)


def moveaxis(x, source, destination):
    """Axes moved to other places, the rest in their order (NumPy's ``moveaxis``)."""
    source = normalize_axis_tuple(source, x.ndim, "moveaxis: source")
    destination = normalize_axis_tuple(destination, x.ndim, "moveaxis: destination")
    order = [k for k in range(x.ndim) if k not in source]
    for to, which in sorted(zip(destination, source, strict=True)):
        order.insert(to, which)
    return transpose(x, order)


def tile(x, reps):
    """``x`` laid out ``reps`` times (an int, or one an axis from the last on)."""
    reps = (reps,) if isinstance(reps, int) else tuple(reps)
    reps = (1,) * (x.ndim - len(reps)) + reps
    sizes = (1,) * (len(reps) - x.ndim) + x.shape
    apart = reshape(x, tuple(s for n in sizes for s in (1, n)))
    repeated = broadcast_to(apart, tuple(s for pair in zip(reps, sizes, strict=True) for s in pair))
    return reshape(repeated, tuple(r * n for r, n in zip(reps, sizes, strict=True)))


def tril(x, k=0):
    """The last two axes' lower triangle, up to diagonal ``k``; zeros elsewhere."""
    return _tril(x, k=k)


def triu(x, k=0):
    """The last two axes' upper triangle, from diagonal ``k`` on; zeros elsewhere."""
    return _triu(x, k=k)
