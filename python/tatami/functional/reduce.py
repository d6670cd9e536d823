"""Reductions along axes, beyond the sum and the mean.

``axis`` is an int, a tuple of ints, or None for all axes; ``keepdims`` leaves them as ones.
"""

import math

import numpy as np

from ..autograd import Op
from ..autograd.tensor import array_of
from .arithmetic import exp
from .elementwise import abs, sign, where
from .indexing import flip
from .shape import axes_of, kept, mean, moveaxis, reshape, sum


def _extreme(raw):
    """The largest or smallest element, whose gradient equal ones share evenly."""

    def rule(g, y, x, axis, keepdims):
        hits = array_of(x) == kept(array_of(y), x, axis, keepdims)
        with np.errstate(invalid="ignore"):  # NaN equals nothing: its gradient is 0/0 too
            share = hits / np.sum(hits, axis=axis, keepdims=True)
        return kept(g, x, axis, keepdims) * share.astype(g.dtype)

    return Op(
        lambda x, axis, keepdims: raw(x, axis=axis, keepdims=keepdims), rule, name=raw.__name__
    )


_max = _extreme(np.max)
_min = _extreme(np.min)
_cumsum = Op(
    lambda x, axis: np.cumsum(x, axis=axis),
    lambda g, _y, _x, axis: flip(cumsum(flip(g, axis), axis), axis),
    name="cumsum",
)


def _prod_of_others_raw(x):
    """The product of all other elements along the last axis, without dividing."""
    ones = np.ones_like(x[..., :1])
    before = np.cumprod(np.concatenate([ones, x[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, x[..., :0:-1]], axis=-1), axis=-1)
    return before * after[..., ::-1]


def _prod_of_others_rule(g, _y, x):
    """By element k: the sum over i != k of g_i times the product without i and k."""
    same = np.eye(x.shape[-1], dtype=bool, like=array_of(x))
    without = _prod_of_others(where(same, 1.0, reshape(x, (*x.shape[:-1], 1, -1))))
    return sum(where(same, 0.0, reshape(g, (*x.shape[:-1], 1, -1)) * without), -1)


_prod_of_others = Op(_prod_of_others_raw, _prod_of_others_rule, name="prod_of_others")
_prod = Op(  # along the last axis
    lambda x: np.prod(x, axis=-1),
    lambda g, _y, x: reshape(g, (*g.shape, 1)) * _prod_of_others(x),
    name="prod",
)


def _logsumexp_raw(x, axis, keepdims):
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0).astype(x.dtype)
    with np.errstate(divide="ignore"):
        y = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axes_of(x, axis))


def _logsumexp_rule(g, y, x, axis, keepdims):
    y = kept(where(array_of(y) == -np.inf, 0.0, y), x, axis, keepdims)
    return kept(g, x, axis, keepdims) * exp(x - y)


_logsumexp = Op(_logsumexp_raw, _logsumexp_rule, name="logsumexp")


def _norm_raw(x, p, axis, keepdims):
    if p == 2:
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    return np.sum(np.abs(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)


def _norm_rule(g, y, x, p, axis, keepdims):
    """``sign(x) |x / y|^(p - 1)``, and 0 where x is 0."""
    y, g = kept(y, x, axis, keepdims), kept(g, x, axis, keepdims)
    ratio = x / where(array_of(y) == 0, 1.0, y)
    if p == 2:
        return g * ratio
    return g * sign(x) * abs(where(array_of(x) == 0, 1.0, ratio)) ** (p - 1)


_norm = Op(_norm_raw, _norm_rule, name="norm")


def max(x, axis=None, keepdims=False):
    """The largest element; equal ones share the gradient evenly, as in PyTorch's ``amax``."""
    return _max(x, axis=axis, keepdims=keepdims)


def min(x, axis=None, keepdims=False):
    """The smallest element; equal ones share the gradient evenly, as in PyTorch's ``amin``."""
    return _min(x, axis=axis, keepdims=keepdims)


def prod(x, axis=None, keepdims=False):
    """The product; its derivatives are exact where elements are 0, too."""
    axes = axes_of(x, axis, "prod")
    last = moveaxis(x, axes, range(x.ndim - len(axes), x.ndim))
    rest = last.shape[: x.ndim - len(axes)]
    y = _prod(reshape(last, (*rest, _count(x, axes))))
    return kept(y, x, axis, False) if keepdims else y


def cumsum(x, axis=None):
    """The running sum along ``axis`` (None: of all elements in a row)."""
    return _cumsum(reshape(x, (-1,)) if axis is None else x, axis=axis or 0)


def logsumexp(x, axis=None, keepdims=False):
    """``log(sum(exp(x)))`` without overflow."""
    return _logsumexp(x, axis=axis, keepdims=keepdims)


def var(x, axis=None, keepdims=False, *, correction=1):
    """Squared distances from the mean, over n - ``correction`` (1 as in PyTorch; NumPy's is 0)."""
    centred = x - mean(x, axis, True)
    return sum(centred * centred, axis, keepdims) / (_count(x, axes_of(x, axis)) - correction)


def std(x, axis=None, keepdims=False, *, correction=1):
    """The square root of :func:`var`; the derivative of equal elements is taken as 0."""
    root = math.sqrt(_count(x, axes_of(x, axis)) - correction)
    return norm(x - mean(x, axis, True), 2, axis, keepdims) / root


def norm(x, p=2, axis=None, keepdims=False):
    """``sum(abs(x) ** p) ** (1 / p)``, or the largest (smallest) ``abs(x)`` for p = inf (-inf).

    The derivative at 0 is taken as 0, as in PyTorch.
    """
    if math.isinf(p):
        return (max if p > 0 else min)(abs(x), axis, keepdims)
    if not p > 0:
        raise ValueError(f"norm: p must be positive, inf or -inf, not {p}")
    return sum(abs(x), axis, keepdims) if p == 1 else _norm(x, p=p, axis=axis, keepdims=keepdims)


def _count(x, axes):
    return math.prod(x.shape[k] for k in axes)
